"""Add a reward design and benchmark it against attention-aware sampling's.

Run it from a clone: python examples/benchmark_reward.py
"""

from pathlib import Path

import numpy as np

from agents.__main__ import main
from frame_select_env import Outcome, register_reward


@register_reward("bits", needs=("label",))
def bits(outcome: Outcome) -> np.ndarray:
    """How many bits more the true class is worth with the selected frames than with all."""
    rows = np.arange(len(outcome))
    before, after = outcome.p0[rows, outcome.label], outcome.p1[rows, outcome.label]
    return np.log2(np.clip(after, 1e-6, None)) - np.log2(np.clip(before, 1e-6, None))


if __name__ == "__main__":
    # As module:name any process can import it: the workers of the comparison too.
    grid = [
        "--agents",
        "reinforce",
        "q-factored",
        "--rewards",
        "sign_omega",
        "benchmark_reward:bits",
    ]
    size = ["--seeds", "2", "--budget", "10000", "--resamples", "500"]
    main(["compare", "--data", "digits", *grid, *size, "--out", "runs/bits"])
    print("\n".join(Path("runs/bits/results.csv").read_text().splitlines()[:3]))
