"""Errors a user can cause, each told in one line."""


class FrameSelectError(ValueError):
    """Bad input: the message names what was wrong and how to put it right, in one line."""


class CacheError(FrameSelectError):
    """A cache file that is missing, broken or inconsistent; names the file and the dataset."""


def known(kind: str, name: object, names: object) -> str:
    """The usual message for an unknown name: what was asked for and what there is."""
    listed = ", ".join(sorted(str(n) for n in names))  # type: ignore[attr-defined]
    return f"unknown {kind} {str(name)!r}; known: {listed or 'none'}"
