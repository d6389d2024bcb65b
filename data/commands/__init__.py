"""The commands that make and inspect caches."""
