"""The commands of `python -m agents`, one module each."""
