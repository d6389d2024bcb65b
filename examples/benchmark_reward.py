"""Write a reward and benchmark it against that of attention-aware sampling.

Run it from a clone: python examples/benchmark_reward.py; it takes the options of compare.
"""

import sys
from pathlib import Path

import numpy as np

from frame_select_env import Outcome, register_reward
from frame_select_env.command_line import main


@register_reward("bits", needs=("label",))
def bits(outcome: Outcome) -> np.ndarray:
    """The true class's gain in log-probability, in bits."""
    rows = np.arange(len(outcome))
    before, after = outcome.p0[rows, outcome.label], outcome.p1[rows, outcome.label]
    return np.log2(np.clip(after, 1e-6, None)) - np.log2(np.clip(before, 1e-6, None))


if __name__ == "__main__":
    # Named as module:function, so that the worker processes can import it too.
    grid = [
        "--agents",
        "reinforce",
        "q-factored",
        "--rewards",
        "sign_omega",
        "benchmark_reward:bits",
    ]
    size = ["--seeds", "2", "--budget", "4000", "--resamples", "500"]
    main(["compare", "--data", "digits", *grid, *size, "--out", "runs/bits", *sys.argv[1:]])
    print("\n".join(Path("runs/bits/results.csv").read_text().splitlines()[:3]))
