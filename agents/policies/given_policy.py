"""A policy that was trained elsewhere, as an agent: it is scored, never trained."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from agents.networks.network import Standardised
from agents.policies.policy_ranking import PolicyRanking
from agents.training.design import AgentDesign
from agents.training.learner import Validated, ValidationMetric
from agents.training.task import Task
from frame_select_env import FeatureCache, FrameSelectError, open_cache


@dataclass(frozen=True)
class GivenConfig:
    """No hyper-parameters, but what every agent has: its m is chosen on validation videos."""

    epochs: ClassVar[int] = 0
    patience: ClassVar[int] = 0
    keep: ClassVar[str] = "last"
    validation_metric: ClassVar[ValidationMetric] = "error"
    validate: ClassVar[Validated] = "selection"
    holdout: ClassVar[bool] = True


def given_policy(
    name: str,
    make: Callable[[FeatureCache, Any], PolicyRanking],
    config: type[Any] = GivenConfig,
    files: tuple[Path, ...] = (),
    modules: tuple[str, ...] = (),
) -> AgentDesign:
    """The design of the policy that `make` makes, called `name` in tables.

    `config` may add hyper-parameters; `files` and `modules` are those of `AgentDesign`.
    """

    def ranking(network: Standardised, task: Task, config: Any) -> PolicyRanking:
        return on_task(make(open_cache(task.data), config), task)

    def refuse(*_: Any) -> NoReturn:
        raise FrameSelectError(
            f"agent {name!r} is a policy that is not trained; score it by evaluate --agents or "
            "compare"
        )

    return AgentDesign(
        name=name,
        config=config,
        presets={"tuned": config()},
        network=lambda cache, task, config: Standardised(0),  # a run folder has weights
        agent=ranking,
        learner=refuse,
        files=files,
        modules=modules,
        policy=make,
    )


def named_policy(name: str, found: Any) -> AgentDesign | None:
    """The design of what "module:object" names: a PolicyRanking, or a function of a cache.

    None if it is neither.
    """
    if isinstance(found, PolicyRanking):
        return given_policy(name, lambda cache, config: _called(found, name), files=found.files)
    if not callable(found) or isinstance(found, type):
        return None
    try:
        inspect.signature(found).bind(None)
    except TypeError:
        return None

    def make(cache: FeatureCache, config: Any) -> PolicyRanking:
        made = found(cache)
        if not isinstance(made, PolicyRanking):
            raise FrameSelectError(
                f"agent {name!r}: it made a {type(made).__name__} of the cache, not a PolicyRanking"
            )
        return _called(made, name)

    return given_policy(name, make, files=tuple(map(Path, getattr(found, "files", ()))))


def _called(policy: PolicyRanking, name: str) -> PolicyRanking:
    """The policy by the name on the command line, unless it has one."""
    if policy.name != PolicyRanking.NAME:
        return policy
    files = policy.files
    return PolicyRanking(policy.policy, policy.env_id, name=name, files=files, **policy.keywords)


def on_task(policy: PolicyRanking, task: Task) -> PolicyRanking:
    """The policy on the videos of a task."""
    settings = {name: getattr(task, name) for name in ("fold", "num_frames", "stream", "view")}
    judged = {"alpha": task.alpha, "aggregator": task.aggregator}
    return policy.on(data=str(task.data), **settings, **judged)
