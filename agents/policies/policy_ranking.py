"""PolicyRanking: anybody's policy as a ranking, by the episodes that it plays on the videos."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import torch

from agents.rankings import GreedyAgent, rank_picks
from frame_select_env import Clips, FrameSelectError, open_cache
from frame_select_env.envs import ENVIRONMENTS, FrameSelectVectorEnv
from frame_select_env.errors import known

# (observation, mask) -> actions or logits of a batch.
Predict: TypeAlias = Callable[[Any, np.ndarray | None], Any]
PARALLEL = 64  # episodes at a time: flat observations of whole videos are large
# An illegal action's number; finite, because ranks are made of differences.
LEAST = -1e8
# Which videos are ranked, and in what order, is not the policy's to say; rewards are not observed.
OWN = {"order": "random", "reward": "looks"}


@dataclass(frozen=True)
class Decision:
    """One decision of each of B episodes, and what the environment made of it."""

    going: np.ndarray  # [B] bool; the other episodes are over, and what they do is ignored
    actions: np.ndarray  # [B, ...]
    logits: np.ndarray | None  # [B, n] float64, or [B, T] on OneShot; None if it gave actions
    cursor: np.ndarray  # [B] int64, before it
    added: np.ndarray  # [B, T] bool, the frames that it selected


class PolicyRanking(GreedyAgent):
    """Ranks frames by a policy that was trained anywhere, with any library.

    The policy plays one episode on each video that is to be ranked, in the registered vector
    environment. Its free choice is the frames that are selected in the end, or the best frame if
    there are none. What `scores` are made of depends on the environment:

    | id | from logits | from actions |
    |---|---|---|
    | OneShot | the logits; frames with at least 0 are kept | 1 for kept frames, else 0 |
    | Sequential | keep minus the best of the others; a tie keeps | 1 for kept frames, else 0 |
    | Pick, Glance | the order of picking, then the last logits | the order of picking |

    Of Sequential with `skips`, frames that were skipped rank last.

    The three lines for a model of Stable-Baselines3:

        from agents import PolicyRanking
        predict = lambda observation, mask: model.predict(observation, deterministic=True)[0]
        ranking = PolicyRanking(predict, "FrameSelect/OneShot-v0", data="cues", observation="flat")

    Args:
        predict: (observation, mask) -> the actions or the logits of B episodes, an array or a
            tensor. The observation is the environment's, arrays [B, ...]; the mask is bool [B, n],
            or None where all actions are always legal. Actions are [B], logits (or Q-values) of
            the actions [B, n]; the largest legal one is played. On OneShot both are [B, T]: floats
            are logits unless all of them are 0 or 1, since Stable-Baselines3 sends actions as
            floats. A policy with a memory is an object whose method `reset()`, if there is one, is
            called before B new episodes, which begin together. An object with an `action_space`
            is refused by an environment with another one.
        env_id: "FrameSelect/OneShot-v0" or another registered id.
        name: Its name in tables.
        files: Files that it is made of; their digests are part of a run's identity in `compare`.
        **keywords: The environment's, as in training; `split`, `order` and `reward` make no
            difference.

    Raises:
        FrameSelectError: for an unknown id.
    """

    def __init__(
        self,
        predict: Predict,
        env_id: str,
        *,
        name: str = "policy",
        files: Sequence[str | Path] = (),
        **keywords: Any,
    ) -> None:
        if env_id not in ENVIRONMENTS:
            raise FrameSelectError(known("environment", env_id, ENVIRONMENTS))
        # Not `predict`: by that name rankings answer for whole videos.
        self.policy, self.env_id, self.name = predict, env_id, name
        self.files, self.keywords = tuple(map(Path, files)), keywords
        self._latest: tuple[Clips, tuple[np.ndarray, np.ndarray]] | None = None

    def on(self, **settings: Any) -> "PolicyRanking":
        """The same policy on the videos that are scored, with keywords that it does not name.

        A setting that is None is left to the policy.

        Raises:
            FrameSelectError: if it names another value.
        """
        settings = {name: value for name, value in settings.items() if value is not None}
        for name, value in settings.items():
            own = self.keywords.get(name, value)
            same = open_cache(own).digest == open_cache(value).digest if name == "data" else None
            if same is False or (same is None and own != value):
                raise FrameSelectError(
                    f"{self.name}: its environment has {name}={own!r}, but {name}={value!r} is "
                    "asked for"
                )
        keywords = {**self.keywords, **settings}
        return PolicyRanking(self.policy, self.env_id, name=self.name, files=self.files, **keywords)

    def environment(self, episodes: int) -> FrameSelectVectorEnv:
        """The environment of so many parallel episodes, whose videos a reset names.

        Raises:
            FrameSelectError: for keywords that it does not take.
        """
        keywords = {**self.keywords, **OWN}
        made = gym.make_vec(self.env_id, num_envs=episodes, autoreset_mode="Disabled", **keywords)
        assert isinstance(made, FrameSelectVectorEnv)
        return made

    def rollout(self, clips: Clips) -> tuple[np.ndarray, np.ndarray]:
        """Scores and selected frames [B, T] of an episode on each video.

        Raises:
            FrameSelectError: if the clips are not those of its environment's cache, or the policy
                answers with something else than actions or logits.
        """
        # A policy that samples must not choose other frames than it is scored for.
        if self._latest is None or self._latest[0] is not clips:
            parts = [slice(at, at + PARALLEL) for at in range(0, len(clips), PARALLEL)]
            made = [self._rollout(clips, part) for part in parts]
            scores, selected = map(np.concatenate, zip(*made, strict=True))
            self._latest = clips, (scores, selected)
        return self._latest[1]

    def _rollout(self, clips: Clips, part: slice) -> tuple[np.ndarray, np.ndarray]:
        video, valid = clips.video[part], clips.valid[part]
        envs = self.environment(len(video))
        self._check(envs, clips, part)
        options = {"video": video}
        if envs.episodes.settings.view == "random" and clips.view is not None:
            options["view"] = clips.view[part]
        played = list(self._play(envs, options))
        if not envs.episodes.multi_step:
            scores = _one_shot_scores(played)
        elif hasattr(envs, "action_masks"):
            scores = _picking_scores(played, valid)
        else:
            scores = _sequential_scores(played, envs, valid)
        selected = np.logical_or.reduce([one.added for one in played])
        return np.where(valid, scores, -np.inf), selected

    def _check(self, envs: FrameSelectVectorEnv, clips: Clips, part: slice) -> None:
        """Refuse other actions, and clips of another cache, fold, stream, view or length."""
        trained = getattr(self.policy, "action_space", envs.single_action_space)
        if trained != envs.single_action_space:
            raise not_as_trained(self.name, "actions", trained, envs.single_action_space)
        cache, settings = envs.cache, envs.episodes.settings
        video, view = clips.video[part], None if clips.view is None else clips.view[part]
        seen, asked = settings.num_frames, clips.valid.shape[1]
        same = seen == asked and (view is None) == (settings.view is None)
        if view is not None and isinstance(settings.view, int):
            same = same and bool((view == settings.view).all())
        if same and video.max() < len(cache):
            where = settings.fold, envs.episodes.stream, view
            found = cache.read_predictions(video, seen, *where)
            same = np.array_equal(found, clips.predictions[part])
        if not same:
            raise FrameSelectError(
                f"{self.name}: its environment has other frames than those to rank, {seen} per "
                f"video of {cache.path}; give it the data, fold, stream, view and num_frames that "
                "are scored"
            )

    def _play(self, envs: FrameSelectVectorEnv, options: dict[str, Any]) -> Iterator[Decision]:
        """The decisions of one episode in each slot."""
        if hasattr(self.policy, "reset"):
            self.policy.reset()
        episodes = envs.episodes
        observation, _ = envs.reset(options=options)
        going = np.ones(envs.num_envs, bool)
        while going.any():
            mask = episodes.action_masks()
            actions, logits = self._decide(self.policy(observation, mask), mask, envs)
            cursor, before = episodes.cursor.copy(), episodes.selected.copy()
            observation, _, terminated, truncated, _ = envs.step(actions)
            added = episodes.selected & ~before & going[:, None]
            yield Decision(going, actions, logits, cursor, added)
            over = terminated | truncated
            going = going & ~over
            if over.any() and going.any():  # a new episode keeps their slots busy
                observation, _ = envs.reset(options={**options, "reset_mask": over})

    def _decide(
        self, answer: Any, mask: np.ndarray | None, envs: FrameSelectVectorEnv
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The actions, and the logits if the answer has some."""
        if isinstance(answer, tuple):
            raise FrameSelectError(
                f"{self.name}: predict gave a tuple; of Stable-Baselines3 take its first item: "
                "lambda observation, mask: model.predict(observation, deterministic=True)[0]"
            )
        told = answer.detach().cpu().numpy() if isinstance(answer, torch.Tensor) else answer
        array, space = np.asarray(told), envs.single_action_space
        count = int(getattr(space, "n", 0))
        if space.shape:
            shape, chosen = (envs.num_envs, *space.shape), array.dtype.kind in "biu"
            if array.shape == shape and (chosen or np.isin(array, (0, 1)).all()):
                return array, None
        else:
            shape = envs.num_envs, count
            if array.shape in ((envs.num_envs,), (envs.num_envs, 1)):
                return array.reshape(-1), None
        if array.shape != shape or array.dtype.kind not in "biuf":
            actions = f"actions {shape[:1] if count and not space.shape else shape}"
            raise FrameSelectError(
                f"{self.name}: predict gave {array.dtype} {array.shape}; expected {actions} or "
                f"logits {shape}"
            )
        logits = array.astype(np.float64)
        if np.isnan(logits).any():
            raise FrameSelectError(f"{self.name}: predict gave NaN; did the training diverge?")
        if space.shape:
            return logits >= 0, logits
        logits = np.maximum(logits if mask is None else np.where(mask, logits, LEAST), LEAST)
        if mask is not None:
            return logits.argmax(axis=1), logits
        keep = _keep(envs)
        tie = logits[:, keep] >= logits.max(axis=1)
        return np.where(tie, keep, logits.argmax(axis=1)), logits


def not_as_trained(name: str, what: str, trained: object, found: object) -> FrameSelectError:
    """The error of a policy whose environment is not like the one that it was trained in."""
    return FrameSelectError(
        f"{name}: was trained on {what} {trained}, but its environment here has {found}; name the "
        "keywords of its environment, of a saved model behind an @: @observation=...,env_id=..."
    )


def _keep(envs: FrameSelectVectorEnv) -> int:
    """The number of the action of Sequential that keeps: after those that discard."""
    return len(getattr(envs.episodes.settings, "skips", None) or (1,))


def _one_shot_scores(played: Sequence[Decision]) -> np.ndarray:
    (only,) = played
    return np.asarray(only.actions if only.logits is None else only.logits, np.float64)


def _sequential_scores(
    played: Sequence[Decision], envs: FrameSelectVectorEnv, valid: np.ndarray
) -> np.ndarray:
    keep, frame = _keep(envs), np.arange(valid.shape[1])
    scores = np.full(valid.shape, np.nan)
    for one in played:
        if one.logits is None:
            score = (one.actions == keep).astype(np.float64)
        else:
            score = one.logits[:, keep] - np.delete(one.logits, keep, axis=1).max(axis=1)
        first = one.cursor[:, None]
        here = (frame >= first) & (frame < first + envs.episodes.chunk) & one.going[:, None]
        scores = np.where(here, score[:, None], scores)
    skipped = np.nanmin(scores, axis=1, keepdims=True) - 1
    return np.where(np.isnan(scores), skipped, scores)


def _picking_scores(played: Sequence[Decision], valid: np.ndarray) -> np.ndarray:
    order, last = np.zeros(valid.shape), np.zeros(valid.shape)
    for step, one in enumerate(played):
        order += np.where(one.added, 2.0 + len(played) - step, 0.0)
        if one.logits is not None:
            last = np.where(one.going[:, None], one.logits[:, : valid.shape[1]], last)
    return rank_picks(order, last, valid)
