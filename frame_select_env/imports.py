"""Objects that a user names as "module:object"."""

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Any

from frame_select_env.errors import FrameSelectError, known


def import_object(kind: str, name: str, names: Iterable[object]) -> Any:
    """The object at `name`, "module:object"; `kind` says in messages what it is, "reward".

    The current folder is searched last, so a file there never shadows an installed module.

    Raises:
        FrameSelectError: listing the registered `names`, or why the import failed.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise FrameSelectError(f"{known(kind, name, names)}, or module:object")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise FrameSelectError(f"{kind} {name!r} cannot be imported: {error}") from None
