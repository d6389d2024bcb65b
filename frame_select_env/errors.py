"""Errors that a user can cause, each reported in one line."""

import difflib
from collections.abc import Iterable

MANY = 50  # names that are not listed where one of them is near


class FrameSelectError(ValueError):
    """Bad input: the message says what is wrong and how to fix it, in one line."""


class UnwritableError(FrameSelectError):
    """A file or folder that cannot be written: usually, because the disk is full."""


class CacheError(FrameSelectError):
    """A missing, damaged or inconsistent cache file; the message names file and dataset."""


def known(kind: str, name: object, names: Iterable[object]) -> str:
    """The message for an unknown name, with the nearest of the known ones and a list of them."""
    every = sorted(map(str, names))
    listed = f"known: {', '.join(every) or 'none'}"
    message = f"unknown {kind} {str(name)!r};"
    if not (near := difflib.get_close_matches(str(name), every, n=1)):
        return f"{message} {listed}"
    hint = f"{message} did you mean {near[0]!r}?"
    return hint if len(every) > MANY else f"{hint} {listed}"
