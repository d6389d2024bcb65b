"""Training: the task, the learners, the training loop and the run folder."""
