"""Errors that a user can cause, each reported in one line."""

import difflib
from collections.abc import Iterable

MANY = 50  # names that are not listed where one of them is near


class FrameSelectError(ValueError):
    """Bad input: the message says what is wrong and how to fix it, in one line."""


class UnknownKeywordError(FrameSelectError, TypeError):
    """A keyword argument that an environment does not take: a TypeError, as Python raises.

    Libraries that try keywords out (TorchRL) catch that.
    """


class UnwritableError(FrameSelectError):
    """A file or folder that cannot be written: usually, because the disk is full."""


class CacheError(FrameSelectError):
    """A missing, damaged or inconsistent cache file; the message names file and dataset."""


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Ask " did you mean NAME?" with the nearest of the names; empty if none is near."""
    every = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(str(name).casefold(), every, n=1)
    return f" did you mean {every[near[0]]!r}?" if near else ""


def known(kind: str, name: object, names: Iterable[object]) -> str:
    """The message for an unknown name, with the nearest of the known ones and a list of them."""
    every = sorted(map(str, names))
    message = f"unknown {kind} {str(name)!r};{(hint := did_you_mean(name, every))}"
    if hint and len(every) > MANY:
        return message
    return f"{message} known: {', '.join(every) or 'none'}"
