"""Split files: which videos of a folder are used for training and which for testing."""
