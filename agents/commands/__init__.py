"""The commands that train and score agents: train, evaluate, compare and search."""
