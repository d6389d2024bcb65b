"""Importing torchvision, also where its compiled operators do not load.

The wheel that pip finds beside a CPU-only torch lacks them, and then cannot be imported at all.
No classification model needs them.
"""

import importlib
import re
import sys
from types import ModuleType

import torch

from frame_select_env.errors import FrameSelectError

MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
# Held as long as the process lives: a library that is collected takes its operators with it.
_defined: list[torch.library.Library] = []


def import_torchvision() -> ModuleType:
    """The module torchvision, with `models` imported.

    After exactly the failure that an operator of torchvision's does not exist, the operator is
    declared, without any code behind it, and the import tried again.

    Raises:
        FrameSelectError: if torchvision is not installed.
    """
    while True:
        try:
            importlib.import_module("torchvision.models")
            return importlib.import_module("torchvision")
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
            # What was imported half must be imported anew.
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
