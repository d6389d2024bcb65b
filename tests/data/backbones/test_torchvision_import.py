"""Importing torchvision where its operators do not load, in a process that has not yet."""

import pytest
from processes import run_script

ALL = """
import importlib, sys
import torch
assert "torchvision" not in sys.modules
from data.backbones.torchvision_import import import_torchvision

real = importlib.import_module

def told():
    try:
        print(import_torchvision())
    except Exception as error:
        print(type(error).__name__, error)

def failing(*messages):
    left = list(messages)
    def fail(name):
        if left:
            raise RuntimeError(left.pop(0))
        return name
    importlib.import_module = fail
    told()
    importlib.import_module = real

failing("CUDA version mismatch")
failing("operator torchvision::nms does not exist, or so")
failing("operator torchvision::one does not exist", "operator torchvision::two does not exist")
print(torch.ops.torchvision.one, torch.ops.torchvision.two)
sys.modules["torchvision"] = None
told()
del sys.modules["torchvision"]
torchvision = import_torchvision()
print(import_torchvision() is torchvision, sys.modules["torchvision"] is torchvision)
print(len(torchvision.models.list_models()) > 100)
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a process prints that meets every kind of failure, and then the torchvision there is."""
    folder = tmp_path_factory.mktemp("import")
    script = folder / "script.py"
    script.write_text(ALL)
    done = run_script(script, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_other_failures_are_passed_on(lines: list[str]) -> None:
    assert lines[0] == "RuntimeError CUDA version mismatch"
    assert lines[1] == "RuntimeError operator torchvision::nms does not exist, or so"


def test_every_operator_that_is_missing_is_declared(lines: list[str]) -> None:
    assert lines[2] == "torchvision"
    assert lines[3] == "torchvision.one torchvision.two"


def test_a_missing_torchvision_is_told_in_one_line(lines: list[str]) -> None:
    assert lines[4].startswith("FrameSelectError torchvision cannot be imported (")
    assert lines[4].endswith('install it: pip install "frame-select-env[video]"')


def test_the_torchvision_there_is_can_be_imported(lines: list[str]) -> None:
    # Whether its operators load or not: both kinds are installed somewhere.
    assert lines[5:] == ["True True", "True"]
