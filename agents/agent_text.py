"""Agents as a command line names them: NAME, or NAME@hyper=value,hyper=value."""

import dataclasses
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agents.design import AgentDesign
from agents.registry import agent_design
from frame_select_env import FrameSelectError
from frame_select_env.errors import known


@dataclass(frozen=True)
class AgentChoice:
    """An agent with its hyper-parameters.

    Attributes:
        agent: What `agent_design` knows it by.
        preset: Where the hyper-parameters start from.
        config: The hyper-parameters.
    """

    agent: str
    preset: str
    config: Any

    @property
    def design(self) -> AgentDesign:
        """The agent's design."""
        return agent_design(self.agent)


def parse_agent(text: str) -> AgentChoice:
    """An agent from "ppo", "dqn@dense=true,encoder=video" or "reinforce@preset=paper".

    Raises:
        FrameSelectError: for an unknown agent, preset or hyper-parameter, or a value that does not
            fit it.
    """
    agent, _, rest = text.partition("@")
    design = agent_design(agent)
    changes: dict[str, str] = {}
    for part in re.split(r",(?=\w+=)", rest) if rest else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise FrameSelectError(f"agent {text!r}: {part!r} is not hyper-parameter=value")
        changes[name] = value
    preset = changes.pop("preset", "tuned")
    if preset not in design.presets:
        raise FrameSelectError(f"agent {agent!r}: {known('preset', preset, design.presets)}")
    hints = typing.get_type_hints(design.config)
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in hints:
            raise FrameSelectError(f"agent {agent!r}: {known('hyper-parameter', name, hints)}")
        values[name] = _read(text, name, value, hints[name])
    config = dataclasses.replace(design.presets[preset], **values)
    design.check(config)
    return AgentChoice(agent, preset, config)


def with_values(agent: str, values: Mapping[str, Any]) -> str:
    """The text of an agent with (more) hyper-parameters, as `parse_agent` reads it."""
    parts = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in values.items()
    ]
    return agent + ("," if "@" in agent else "@") * bool(parts) + ",".join(parts)


def agent_text(agent: str, config: Any) -> str:
    """The text of an agent: what differs from its preset `tuned` stands behind the @."""
    tuned = agent_design(agent).presets["tuned"]
    names = [field.name for field in dataclasses.fields(config)]
    return with_values(
        agent,
        {
            name: getattr(config, name)
            for name in names
            if getattr(config, name) != getattr(tuned, name)
        },
    )


def _read(text: str, name: str, value: str, hint: Any) -> Any:
    """A value of the hyper-parameter's type."""
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        found = value
    if typing.get_origin(hint) is Literal:
        if found in typing.get_args(hint):
            return found
        allowed = ", ".join(map(str, typing.get_args(hint)))
        raise FrameSelectError(f"agent {text!r}: {name} is one of {allowed}")
    if typing.get_origin(hint) is tuple and isinstance(found, list):
        return tuple(found)
    if hint is float and isinstance(found, int) and not isinstance(found, bool):
        return float(found)
    if isinstance(hint, type) and type(found) is hint:
        return found
    expected = getattr(hint, "__name__", str(hint))
    raise FrameSelectError(f"agent {text!r}: {name}={value} is not of the type {expected}")
