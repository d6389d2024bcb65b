"""Policies that were trained elsewhere: their episodes as rankings, and as agents."""
