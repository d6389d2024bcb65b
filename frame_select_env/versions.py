"""The versions of the package and of the libraries that results depend on."""

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path

from frame_select_env import __version__

LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "gymnasium", "h5py", "torch", "torchvision", "av"),
    *("stable-baselines3", "sb3-contrib"),
)


def versions() -> dict[str, str]:
    """The versions of the package (and its commit, in a clone), Python and the libraries."""
    found = {"frame-select-env": __version__, "python": platform.python_version()}
    if commit := _commit():
        found["commit"] = commit
    return found | {name: version for name in LIBRARIES if (version := _installed(name))}


@functools.cache
def _installed(library: str) -> str:
    """The version of a library; empty if it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


@functools.cache
def _commit() -> str:
    """The commit of the clone, with "+" after it if files differ from it; empty outside a clone."""
    here = Path(__file__).parents[1]
    if not (here / ".git").exists():  # installed, perhaps inside another repository
        return ""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
