"""Rankings of frames that need no reinforcement learning, and reference predictions."""
