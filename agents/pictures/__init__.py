"""Pictures of an evaluation and of a comparison, in one style."""
