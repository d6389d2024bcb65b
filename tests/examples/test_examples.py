"""Every example runs as it stands."""

from pathlib import Path

import pytest
from processes import run_script

# What takes longer by default.
SHORT = {
    "online_skimming.py": ["--updates", "2"],
    "known_optimum.py": ["--epochs", "2"],
    "benchmark_reward.py": ["--budget", "400"],
}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def test_there_are_examples():
    assert "quickstart.py" in {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path, tmp_path):
    short = SHORT.get(path.name, ())
    done = run_script(path, tmp_path, {"LOKY_MAX_CPU_COUNT": "1"}, short)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
