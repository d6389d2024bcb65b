"""Importing torchvision even if its compiled operators do not load.

The wheel that pip installs next to a CPU-only torch lacks them; models and crops do not need them.
"""

import importlib
import re
import sys
from types import ModuleType

import torch

from frame_select_env.errors import FrameSelectError

MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
# Kept for the life of the process: a library that is garbage-collected removes its operators.
_defined: list[torch.library.Library] = []


def import_torchvision(module: str = "torchvision") -> ModuleType:
    """Import torchvision with `models`, and return `module`, one of its modules."""
    # An operator that does not exist is declared without implementation, and the import retried.
    while True:
        try:
            importlib.import_module("torchvision.models")
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise FrameSelectError(
                f"torchvision cannot be imported ({error}); install it: "
                'pip install "frame-select-env[video]"'
            ) from None
        except RuntimeError as error:
            missing = MISSING.fullmatch(str(error))
            if missing is None:
                raise
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}() -> ()")
            _defined.append(library)
            # Modules from the failed import must be imported again.
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
