"""What made a run: the code of its agent and reward."""

import ast
import functools
import hashlib
import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.registry import AgentChoice, agent_module
from frame_select_env import FrameSelectError
from frame_select_env.cache import file_digest
from frame_select_env.rewards import Reward, RewardSpec


def code_digests(choice: AgentChoice, reward: RewardSpec) -> dict[str, str]:
    """Digests of the modules that define the agent and each design of the reward, by their names.

    Comments, docstrings and layout do not count. What these modules import is not covered, except
    the agent's learner and network, and the modules that its design names. Its files count, too.
    """
    design = choice.design
    parts = (design.config, design.learner, design.network, design.agent)
    modules = [agent_module(choice.agent), *map(_module, parts), *design.modules]
    found = {choice.agent: _digest(modules, design.files)}
    for term in Reward(reward).terms:
        named, colon, _ = term.design.name.partition(":")
        modules = [_module(term.design.function), *([named] if colon else [])]
        found[term.design.name] = _digest(modules)
    return found


def _module(thing: Any) -> str:
    """The module that defines a class, a function or the class of an object."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return str(getattr(thing, "__module__", None) or type(thing).__module__)


def _digest(modules: Iterable[str], files: Iterable[Path] = ()) -> str:
    """A digest of the code of modules and of the content of files.

    Raises:
        FrameSelectError: if a file is missing.
    """
    digest = hashlib.sha256()
    for name in sorted(set(modules)):
        digest.update(f"{name}\n{_code(name)}\n".encode())
    for file in files:
        if not file.is_file():
            raise FrameSelectError(f"{file}: no such file")
        digest.update(f"{file.name}\n{file_digest(file)}\n".encode())
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
