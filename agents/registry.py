"""The agents by name: what `--agent` takes."""

from agents import (
    dqn,
    dqn_pick,
    maskable_ppo,
    ppo,
    ppo_sequential,
    q_factored,
    reinforce,
    reinforce_sequential,
    soft_attention,
)
from agents.design import AgentDesign
from frame_select_env import FrameSelectError
from frame_select_env.imports import import_object

AGENTS: dict[str, AgentDesign] = {
    design.name: design
    for design in (
        reinforce.DESIGN,
        ppo.DESIGN,
        q_factored.DESIGN,
        reinforce_sequential.DESIGN,
        ppo_sequential.DESIGN,
        dqn.DESIGN,
        dqn.CHUNK_DESIGN,
        dqn_pick.DESIGN,
        maskable_ppo.DESIGN,
        soft_attention.DESIGN,
    )
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
