"""Every example runs as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

SHORT = {"online_skimming.py": ["--updates", "2"]}  # what takes longer by default
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def test_there_are_examples():
    assert "quickstart.py" in {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path, tmp_path):
    command = [sys.executable, path, *SHORT.get(path.name, ())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
