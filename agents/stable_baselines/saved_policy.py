"""A model that Stable-Baselines3 saved, as a policy: sb3:ALGORITHM=FILE.zip@env_id=...,chunk=5."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from agents.policies.given_policy import GivenConfig, given_policy
from agents.policies.policy_ranking import PolicyRanking, not_as_trained
from agents.stable_baselines.algorithms import algorithm
from agents.training.design import AgentDesign
from frame_select_env import FeatureCache, FrameSelectError


@dataclass(frozen=True)
class SavedConfig(GivenConfig):
    """The environment that the model was trained in, without what the comparison decides.

    None is the environment's own default.
    """

    #: The environment's id. Default: OneShot for a model that decides on all frames at once,
    #: Sequential for one with two actions; for others it must be named.
    env_id: str | None = None
    #: The observation mode.
    observation: str = "flat"
    #: float16 for features as the cache stores them.
    dtype: str | None = None
    #: multi_discrete for OneShot's other action space.
    action: str | None = None
    #: Frames that one decision of Sequential is about.
    chunk: int | None = None
    #: Numbers of frames that an action of Sequential skips.
    skips: tuple[int, ...] | None = None
    #: Maximum number of steps of Pick and Glance.
    picks: int | None = None
    #: Whether Pick has an action that stops.
    stop: bool | None = None
    #: The stream that Glance shows of all frames.
    preview: str | None = None


class SavedPolicy:
    """(observation, mask) -> the most likely actions of a model, which may have a memory."""

    def __init__(self, model: Any, file: Path) -> None:
        self.model, self.file = model, file
        self.action_space = model.action_space  # which PolicyRanking compares
        self._masked = "action_masks" in inspect.signature(model.predict).parameters
        self.reset()

    def reset(self) -> None:
        """Forget the episodes before."""
        self._state: Any = None
        self._begins = True

    def __call__(self, observation: Any, mask: np.ndarray | None) -> np.ndarray:
        """Actions [B], or [B, T].

        Raises:
            FrameSelectError: if the environment is not like the one that it was trained in.
        """
        trained, found = _shapes(self.model.observation_space), _shapes(observation, first=1)
        if trained != found:
            raise not_as_trained(str(self.file), "observations", trained, found)
        more: dict[str, Any] = {"action_masks": mask} if self._masked else {}
        parts = observation.values() if isinstance(observation, dict) else [observation]
        begins = np.full(len(next(iter(parts))), self._begins)
        self._begins = False
        actions, self._state = self.model.predict(
            observation, state=self._state, episode_start=begins, deterministic=True, **more
        )
        return np.asarray(actions)


def saved_policy(name: str, file: Path) -> AgentDesign:
    """The design of a model of the algorithm `name` in a file.

    The file is read when the policy is made, not before: it is a pickle.

    Raises:
        FrameSelectError: for an unknown algorithm or a missing file.
    """
    algorithm(name)
    if not file.is_file():
        raise FrameSelectError(f"{file}: no such file")
    make = partial(_make, name, file)
    return given_policy(f"sb3:{name}={file}", make, SavedConfig, files=(file,), modules=(__name__,))


def _make(name: str, file: Path, cache: FeatureCache, config: SavedConfig) -> PolicyRanking:
    try:
        model = algorithm(name).load(file, device="cpu")
    except Exception as error:  # whatever reading a pickle raises
        raise FrameSelectError(f"{file}: is no model of {name}: {error!r}") from None
    keywords = {one.name: getattr(config, one.name) for one in fields(config)}
    env_id = keywords.pop("env_id") or _default_id(file, model.action_space)
    given = {name: value for name, value in keywords.items() if value is not None}
    if "skips" in given:
        given["skips"] = list(given["skips"])
    return PolicyRanking(SavedPolicy(model, file), env_id, name=str(file), files=(file,), **given)


def _shapes(values: Any, first: int = 0) -> Any:
    """The shapes of a space or of observations, without so many leading axes; of a Dict by key."""
    if isinstance(values, Mapping):
        return {name: one.shape[first:] for name, one in sorted(values.items())}
    return values.shape[first:]


def _default_id(file: Path, space: spaces.Space) -> str:
    if isinstance(space, spaces.MultiBinary | spaces.MultiDiscrete):
        return "FrameSelect/OneShot-v0"
    if isinstance(space, spaces.Discrete) and space.n == 2:
        return "FrameSelect/Sequential-v0"
    raise FrameSelectError(f"{file}: its actions are {space}; name its environment: @env_id=ID")
