"""Errors that a user can cause, each reported in one line."""


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


def known(kind: str, name: object, names: object) -> str:
    """The message for an unknown name, with the known ones."""
    listed = ", ".join(sorted(str(n) for n in names))  # type: ignore[attr-defined]
    return f"unknown {kind} {str(name)!r}; known: {listed or 'none'}"
