"""The generated pages are those of today's docstrings, and the hand-written one runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import frame_select_env.docs
from frame_select_env.docs.pages import pages
from frame_select_env.rewards import reward_design, reward_names

FOLDER = Path(frame_select_env.docs.__file__).parent


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_up_to_date(name):
    # Other tests register designs of their own; only the library's are on the page.
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run make docs"


def test_every_built_in_reward_is_in_the_table():
    page = (FOLDER / "rewards.md").read_text(encoding="utf-8")
    for name in reward_names():
        if reward_design(name).function.__module__.startswith("frame_select_env."):
            assert f"| `{name}` |" in page


def test_design_a_reward_runs_as_it_stands(tmp_path):
    text = (FOLDER / "design-a-reward.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) >= 2
    script = tmp_path / "design.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
