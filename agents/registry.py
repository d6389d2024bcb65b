"""The agents by name: what `--agent` takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents import reinforce, soft_attention
from agents.scorer_training import check_scorer
from frame_select_env import FrameSelectError, Ranking
from frame_select_env.imports import import_object


@dataclass(frozen=True)
class AgentDesign:
    """An agent as the command line and the run folders know it.

    Attributes:
        name: What `--agent` takes.
        config: The dataclass of its hyper-parameters.
        presets: Hyper-parameters by the name of a preset; must hold "tuned".
        select: The default m of each preset.
        check: (config) -> None; raises FrameSelectError for hyper-parameters that make no sense.
        train: (cache, task, config, on_epoch) -> trained agent.
        untrained: (cache, task, config) -> the agent before its first update. A trained agent is
            this one with the saved weights loaded into its `network`.
    """

    name: str
    config: type[Any]
    presets: dict[str, Any]
    select: dict[str, int]
    check: Callable[[Any], None]
    train: Callable[..., Ranking]
    untrained: Callable[..., Ranking]


AGENTS = {
    reinforce.NAME: AgentDesign(
        reinforce.NAME,
        reinforce.ReinforceConfig,
        reinforce.PRESETS,
        reinforce.PRESET_SELECT,
        reinforce.check,
        reinforce.train,
        reinforce.untrained,
    ),
    soft_attention.NAME: AgentDesign(
        soft_attention.NAME,
        soft_attention.SoftAttentionConfig,
        soft_attention.PRESETS,
        soft_attention.PRESET_SELECT,
        check_scorer,
        soft_attention.train,
        soft_attention.untrained,
    ),
}


def agent_design(name: str) -> AgentDesign:
    """The agent registered as `name`, or the AgentDesign at "module:object".

    Raises:
        FrameSelectError: naming the known agents.
    """
    if name in AGENTS:
        return AGENTS[name]
    design = import_object("agent", name, AGENTS)
    if not isinstance(design, AgentDesign):
        raise FrameSelectError(f"agent {name!r} is a {type(design).__name__}, not an AgentDesign")
    return design
