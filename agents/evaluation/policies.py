"""Policies that were trained elsewhere as rankings to evaluate, beside runs or by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.evaluation.combined import Fused
from agents.registry import AgentChoice, check_pickles, parse_agent
from agents.training.task import Task
from frame_select_env import FeatureCache, FrameSelectError, Ranking
from frame_select_env.consensus import MEAN

# What is scored where no run says it: a policy's own keyword, or this.
DEFAULTS: dict[str, Any] = {
    **{"fold": "default", "stream": None, "view": None, "num_frames": 25},
    **{"alpha": 0.0, "aggregator": MEAN},
}


def parse_policies(texts: Sequence[str], trust_code: bool) -> dict[str, AgentChoice]:
    """Policies by their names in the table, from texts as `parse_agent` reads them.

    Raises:
        FrameSelectError: for an agent that must be trained, or a pickle that is not trusted.
    """
    check_pickles(texts, trust_code)
    chosen = {text: parse_agent(text) for text in texts}
    for text, choice in chosen.items():
        if choice.design.policy is None:
            raise FrameSelectError(
                f"--agents {text}: must be trained; train it and name its run folder, or use "
                "compare"
            )
    several = len({choice.agent for choice in chosen.values()}) < len(chosen)
    return {text if several else choice.agent: choice for text, choice in chosen.items()}


def policies_task(cache: FeatureCache, policies: Mapping[str, AgentChoice]) -> dict[str, Any]:
    """What policies are scored on where there is no run: what the environment of the first sees."""
    choice = next(iter(policies.values()))
    assert choice.design.policy is not None
    keywords = choice.design.policy(cache, choice.config).keywords
    return {"split": "train", **{name: keywords.get(name, DEFAULTS[name]) for name in DEFAULTS}}


def policy_rankings(
    cache: FeatureCache,
    policies: Mapping[str, AgentChoice],
    task: Mapping[str, Any],
    streams: Sequence[str | None],
) -> dict[str, list[Any]]:
    """The ranking of each policy, on every stream; `task` has what is scored, see `DEFAULTS`."""
    made: dict[str, list[Any]] = {}
    shared = {name: task.get(name, DEFAULTS[name]) for name in DEFAULTS}
    for name, choice in policies.items():
        tasks = [Task(cache.path, **{**shared, "stream": stream}) for stream in streams]
        parts: list[Ranking] = [choice.design.agent(None, one, choice.config) for one in tasks]
        made[name] = [parts[0] if len(parts) == 1 else Fused(name, tuple(parts))]
    return made
