"""Comparison: many agents, rewards and seeds on the same videos, and what to make of them."""
