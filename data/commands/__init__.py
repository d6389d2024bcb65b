"""The commands of python -m data."""
