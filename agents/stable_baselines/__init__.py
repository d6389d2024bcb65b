"""Our networks inside Stable-Baselines3's policies, and its algorithms as learners of ours."""
