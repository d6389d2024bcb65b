"""Disks that are small or read-only, and files that may not grow: for this process alone."""

import ctypes
import os
import resource
from pathlib import Path

NEW_MOUNTS, PRIVATE, REMOUNT, READ_ONLY = 0x20000, 0x44000, 0x20, 1

_libc = ctypes.CDLL(None, use_errno=True)


def limit_files(limit: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


def may_mount() -> bool:
    return hasattr(_libc, "unshare") and os.geteuid() == 0


def mount(folder: Path, size: int, flags: int = 0) -> None:
    """Mount a small disk that no other process sees, or change it."""
    if not flags & REMOUNT:
        if _libc.unshare(NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), "unshare")
        _libc.mount(b"none", b"/", None, PRIVATE, None)
    options = f"size={size}".encode()
    if _libc.mount(b"torture", str(folder).encode(), b"tmpfs", flags, options):
        raise OSError(ctypes.get_errno(), "mount")


def set_read_only(folder: Path, on: bool) -> None:
    """Make a folder and all below it read-only, or no longer."""
    if may_mount():
        mount(folder, 2**28, REMOUNT | (READ_ONLY if on else 0))
        return
    for one in [folder, *folder.rglob("*")]:
        if one.is_dir():
            one.chmod(0o555 if on else 0o755)
