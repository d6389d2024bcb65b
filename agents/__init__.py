"""The learners: agents that pick frames, their command line, evaluation and comparison."""
