"""Importing torchvision where its operators do not load, in fresh processes."""

import subprocess
import sys


def python(code: str) -> list[str]:
    """The lines that a fresh process prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_can_be_imported_whether_its_operators_load_or_not() -> None:
    lines = python(
        "from data.backbones.torchvision_import import import_torchvision\n"
        "torchvision = import_torchvision()\n"
        "assert import_torchvision() is torchvision\n"
        "import torch\n"
        "network = torchvision.models.get_model('squeezenet1_1', weights=None)\n"
        "print(tuple(network(torch.zeros(1, 3, 32, 32)).shape))\n"
    )
    assert lines == ["(1, 1000)"]


FAILURES = """
import importlib, sys
import torch
from data.backbones.torchvision_import import import_torchvision

real = importlib.import_module

def failing(*messages):
    left = list(messages)
    def fail(name):
        if left:
            raise RuntimeError(left.pop(0))
        return name
    importlib.import_module = fail
    try:
        print(import_torchvision())
    except Exception as error:
        print(type(error).__name__, error)

failing("CUDA version mismatch")
failing("operator torchvision::nms does not exist, or so")
failing("operator torchvision::one does not exist", "operator torchvision::two does not exist")
print(torch.ops.torchvision.one, torch.ops.torchvision.two)
importlib.import_module = real
sys.modules["torchvision"] = None
try:
    import_torchvision()
except Exception as error:
    print(type(error).__name__, error)
"""


def test_only_missing_operators_are_put_up_with() -> None:
    other, longer, declared, operators, *missing = python(FAILURES)
    assert other == "RuntimeError CUDA version mismatch"
    assert longer == "RuntimeError operator torchvision::nms does not exist, or so"
    assert declared == "torchvision"
    assert operators == "torchvision.one torchvision.two"
    # And where torchvision is not installed, one line tells what to do.
    assert len(missing) == 1
    assert missing[0].startswith("FrameSelectError torchvision cannot be imported (")
    assert missing[0].endswith('install it: pip install "frame-select-env[video]"')
