"""What made a run: the code of its agent and reward, and the versions of the libraries."""

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.registry import AGENTS, AgentChoice
from frame_select_env import __version__
from frame_select_env.rewards import Reward, RewardSpec

LIBRARIES = ("torch", "numpy", "gymnasium", "stable-baselines3", "sb3-contrib")


def code_digests(choice: AgentChoice, reward: RewardSpec) -> dict[str, str]:
    """Digests of the modules that define the agent and each design of the reward, by their names.

    Comments, docstrings and layout do not count. What these modules import is not covered, except
    the agent's learner and network, and the modules that its design names.
    """
    design = choice.design
    path = AGENTS.get(choice.agent, choice.agent)
    parts = (design.config, design.learner, design.network, design.agent)
    found = {choice.agent: _digest([path.partition(":")[0], *map(_module, parts), *design.modules])}
    for term in Reward(reward).terms:
        named, colon, _ = term.design.name.partition(":")
        modules = [_module(term.design.function), *([named] if colon else [])]
        found[term.design.name] = _digest(modules)
    return found


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


def _module(thing: Any) -> str:
    """The module that defines a class, a function or the class of an object."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return str(getattr(thing, "__module__", None) or type(thing).__module__)


def _digest(modules: Iterable[str]) -> str:
    """A digest of the code of modules."""
    digest = hashlib.sha256()
    for name in sorted(set(modules)):
        digest.update(f"{name}\n{_code(name)}\n".encode())
    return digest.hexdigest()[:16]


@functools.cache
def _code(module: str) -> str:
    """A module's code without comments, docstrings and layout; empty if it has no source."""
    try:
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    except (OSError, TypeError, SyntaxError):
        return ""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[0] = ast.copy_location(ast.Pass(), body[0])
    return ast.unparse(tree)


@functools.cache
def _commit() -> str:
    """The commit of the clone, with "+" after it if files differ from it; empty outside a clone."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
