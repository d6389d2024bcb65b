"""Agents and rewards as command lines name them: NAME, NAME@hyper=value, module:object, JSON.

An agent may also be sb3:ALGORITHM, any of Stable-Baselines3 or sb3-contrib, or
sb3:ALGORITHM=FILE.zip, a model that was saved by one.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.field_types import as_type, field_hints
from agents.policies.given_policy import named_policy
from agents.training.design import AgentDesign
from frame_select_env import FrameSelectError
from frame_select_env.errors import known
from frame_select_env.imports import import_object

# Name -> the module:object of the design. Imported when asked for: some need Stable-Baselines3.
AGENTS: dict[str, str] = {
    "reinforce": "agents.reinforce:DESIGN",
    "plackett-luce": "agents.plackett_luce:DESIGN",
    "ppo": "agents.ppo:DESIGN",
    "q-factored": "agents.q_factored:DESIGN",
    "reinforce-sequential": "agents.reinforce_sequential:DESIGN",
    "ppo-sequential": "agents.ppo:SEQUENTIAL_DESIGN",
    "dqn": "agents.dqn:DESIGN",
    "dqn-chunk": "agents.dqn:CHUNK_DESIGN",
    "dqn-pick": "agents.dqn:PICK_DESIGN",
    "maskable-ppo": "agents.ppo:MASKABLE_DESIGN",
    "reinforce-glance": "agents.reinforce_glance:DESIGN",
    "dqn-glance": "agents.dqn:GLANCE_DESIGN",
    "ppo-glance": "agents.ppo:GLANCE_DESIGN",
    "soft-attention": "agents.soft_attention:DESIGN",
    "dfan": "agents.dfan:DESIGN",
    "reaction": "agents.reaction:DESIGN",
}


SB3 = "sb3:"  # before the name of an algorithm of Stable-Baselines3 or sb3-contrib


def agent_design(name: str) -> AgentDesign:
    """The agent registered as `name`, the one at "module:object", or that of "sb3:...".

    An object may be an AgentDesign, a PolicyRanking, or a function that makes one of a cache.

    Raises:
        FrameSelectError: for an unknown name, or an object that is none of these.
    """
    if name.startswith(SB3):
        # Imported when asked for: it needs Stable-Baselines3.
        algorithm = name.removeprefix(SB3).partition("=")[0]
        if file := saved_file(name):
            from agents.stable_baselines.saved_policy import saved_policy

            return saved_policy(algorithm, Path(file))
        from agents.stable_baselines.any_algorithm import algorithm_design

        return algorithm_design(algorithm)
    found = import_object("agent", AGENTS.get(name, name), AGENTS)
    design = found if isinstance(found, AgentDesign) else named_policy(name, found)
    if design is None:
        raise FrameSelectError(
            f"agent {name!r} is a {type(found).__name__}; expected an AgentDesign, a PolicyRanking "
            "or a function that makes one of a cache"
        )
    return design


def agent_module(name: str) -> str:
    """The module that an agent's name imports."""
    if name.startswith(SB3):
        return (
            "agents.stable_baselines.saved_policy"
            if saved_file(name)
            else "agents.stable_baselines.any_algorithm"
        )
    return AGENTS.get(name, name).partition(":")[0]


def saved_file(name: str) -> str:
    """The file of an agent "sb3:ALGORITHM=FILE", which is a pickle; else empty."""
    return name.partition("=")[2] if name.startswith(SB3) else ""


def check_pickles(agents: Iterable[str], trust_code: bool) -> None:
    """Refuse models of Stable-Baselines3 on a command line unless they are trusted.

    Modules on a command line are trusted: to import them is what the user asks for.

    Raises:
        FrameSelectError: naming the file.
    """
    for text in agents:
        if not trust_code and (file := saved_file(text.partition("@")[0])):
            raise FrameSelectError(
                f"{file}: a model of Stable-Baselines3 is a pickle, which may run any code when it "
                "is read; if you trust it, add --trust-code"
            )


@dataclass(frozen=True)
class AgentChoice:
    """An agent with its hyper-parameters."""

    agent: str  # its name, or module:object
    preset: str  # what the hyper-parameters start from
    config: Any  # the hyper-parameters

    @property
    def design(self) -> AgentDesign:
        """The agent's design."""
        return agent_design(self.agent)


def parse_agent(text: str) -> AgentChoice:
    """An agent from "ppo", "dqn@dense=true,encoder=video" or "reinforce@preset=paper".

    Raises:
        FrameSelectError: for an unknown agent, preset or hyper-parameter, or an invalid value.
    """
    agent, _, rest = text.partition("@")
    design = agent_design(agent)
    changes: dict[str, str] = {}
    for part in re.split(r",(?=\w+=)", rest) if rest else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise FrameSelectError(f"agent {text!r}: {part!r} must be hyper-parameter=value")
        changes[name] = value
    preset = changes.pop("preset", "tuned")
    if preset not in design.presets:
        raise FrameSelectError(f"agent {agent!r}: {known('preset', preset, design.presets)}")
    hints = field_hints(design.config)
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in hints:
            raise FrameSelectError(f"agent {agent!r}: {known('hyper-parameter', name, hints)}")
        values[name] = _parse_value(text, name, value, hints[name])
    config = dataclasses.replace(design.presets[preset], **values)
    design.check(config)
    return AgentChoice(agent, preset, config)


def with_values(agent: str, values: Mapping[str, Any]) -> str:
    """The text of an agent with additional hyper-parameters, as `parse_agent` reads it."""
    parts = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in values.items()
    ]
    return agent + ("," if "@" in agent else "@") * bool(parts) + ",".join(parts)


def agent_text(agent: str, config: Any) -> str:
    """The text of an agent, with the hyper-parameters that differ from its preset `tuned`."""
    tuned = agent_design(agent).presets["tuned"]
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    changed = {name: value for name, value in values.items() if value != getattr(tuned, name)}
    return with_values(agent, changed)


def _parse_value(text: str, name: str, value: str, hint: Any) -> Any:
    """A value of the hyper-parameter's type."""
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        found = value
    try:
        return as_type(found, hint)
    except ValueError as error:
        raise FrameSelectError(f"agent {text!r}: {name}={value}: {error}") from None


def parse_reward(text: str) -> Any:
    """A reward from its name, "module:function", or JSON.

    Raises:
        FrameSelectError: if it starts like JSON but is not valid.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FrameSelectError(f"--reward {text}: is not valid JSON: {error}") from None


def reward_text(reward: Any) -> str:
    """The text that `parse_reward` reads as this reward; JSON is normalised."""
    return reward if isinstance(reward, str) else json.dumps(reward)
