"""Every example runs as it stands."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import run_script

# What takes longer by default.
SHORT = {
    "online_skimming.py": ["--updates", "2"],
    "known_optimum.py": ["--epochs", "2"],
    "benchmark_reward.py": ["--budget", "400"],
    "minari_dataset.py": ["--steps", "40"],
    "rllib_ppo.py": ["--steps", "512"],
    "sb3_bridge.py": ["--steps", "1024"],
    "sb3_plain.py": ["--steps", "1024"],
    "single_file_dqn.py": ["--steps", "1200"],
    "single_file_ppo.py": ["--steps", "1024"],
    "tianshou_dqn.py": ["--steps", "400"],
    "torchrl_dqn.py": ["--steps", "512"],
}
# What `make libraries` installs: a package that comes with that extra and with no other.
EXTRA = {"minari_dataset.py": "minari", "rllib_ppo.py": "lz4", "tianshou_dqn.py": "tianshou"}
# Examples that have several forms, in the form that is not their default.
FORMS = [
    ("rllib_ppo.py", ["--environment", name, "--steps", "256"]) for name in ("one-shot", "pick")
]
FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


def test_there_are_examples():
    assert "quickstart.py" in {path.name for path in EXAMPLES}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(path.name, SHORT.get(path.name, ())) for path in EXAMPLES] + FORMS,
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_example(name, arguments, tmp_path):
    if (package := EXTRA.get(name)) and find_spec(package) is None:
        pytest.skip(f"{package} is not installed: make libraries")
    done = run_script(FOLDER / name, tmp_path, {"LOKY_MAX_CPU_COUNT": "1"}, arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
