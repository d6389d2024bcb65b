"""The commands of `python -m agents`: train, evaluate, compare and search."""
