"""FrameSelect/OneShot-v0: keep or discard every frame at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium import spaces

from frame_select_env.envs.episodes import Episodes
from frame_select_env.envs.settings import Settings
from frame_select_env.envs.single_env import FrameSelectEnv
from frame_select_env.envs.vector_env import FrameSelectVectorEnv


@dataclass(frozen=True)
class OneShotSettings(Settings):
    """The keyword arguments of FrameSelect/OneShot-v0."""

    # the same actions in another space, for libraries without MultiBinary
    action: Literal["multi_binary", "multi_discrete"] = "multi_binary"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("action", ("multi_binary", "multi_discrete"))


class OneShotEpisodes(Episodes):
    """The dynamics: select the frames whose action is 1."""

    settings_class = OneShotSettings
    multi_step = False
    settings: OneShotSettings

    def make_action_space(self) -> spaces.MultiBinary | spaces.MultiDiscrete:
        """Keep or discard each frame."""
        frames = self.settings.num_frames
        if self.settings.action == "multi_discrete":
            return spaces.MultiDiscrete([2] * frames)
        return spaces.MultiBinary(frames)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Select the frames whose action is 1; padding is never selected."""
        if going is not None:
            actions = actions & going[:, None]
        self.selected = actions & self.valid()
        self.kept = self.selected.sum(axis=1)
        return np.ones(self.num_slots, bool) if going is None else going.copy()


class OneShotEnv(FrameSelectEnv):
    """Keep or discard all frames of a video in one action.

    ## Description
    The Markov decision process of attention-aware sampling (Dong, Zhang and Tan, AAAI 2019): the
    state is a video, the action a subset of its frames, and the reward compares the mean
    prediction p1 over the subset with the mean p0 over all frames.

    >>> import gymnasium as gym, numpy as np, frame_select_env
    >>> env = gym.make("FrameSelect/OneShot-v0", data="cues", split="train", num_frames=25)
    >>> observation, info = env.reset(seed=0)
    >>> keep_all = np.ones(25, dtype=np.int8)
    >>> observation, reward, terminated, truncated, info = env.step(keep_all)
    >>> reward, terminated, bool((info["p1"] == info["p0"]).all())
    (0.0, True, True)

    ## Action Space
    `MultiBinary(T)`: 1 keeps a frame, 0 discards it. Actions on padding have no effect. With
    `action="multi_discrete"` the space is `MultiDiscrete([2] * T)` and all else the same, for
    libraries without MultiBinary.

    ## Observation Space
    `observation="video"`, a Dict:

    | key | space | meaning |
    |---|---|---|
    | `features` | Box [T, D] float32 | the backbone's features; zeros at padding |
    | `predictions` | Box [T, C] float32 | class probabilities per frame; zeros at padding |
    | `valid` | MultiBinary(T) | 0 at padding |

    `observation="index"`, a Dict without features, for policies that hold the features in a table
    of their own: `video` Box [1] int32 (row in the cache), `cursor` Box [1] int32 (always 0 here),
    `selected` MultiBinary(T) and, unless `view=None`, `view` Box [1] int32.

    `observation="flat"`, one Box [n] float32: the parts of the default Dict in alphabetical order,
    each in row-major order. `env.unwrapped.flat_layout()` knows their places and cuts arrays and
    tensors [..., n] into them:

    >>> env = gym.make("FrameSelect/OneShot-v0", observation="flat")
    >>> observation, info = env.reset(seed=0)
    >>> parts = env.unwrapped.flat_layout().split(observation)
    >>> observation.shape, {name: part.shape for name, part in parts.items()}
    ((800,), {'features': (25, 21), 'predictions': (25, 10), 'valid': (25,)})

    ## Rewards
    By default "sign_omega", AS Eq. 2 to 4: +10 if the selection turns a wrong video-level
    prediction right, -10 if it turns a right one wrong, else the sign of the true class's gain in
    probability. `reward` takes a registered name, a weighted sum, arguments or a function.

    ## Starting State
    A video drawn uniformly, with replacement, from the split; or the one that
    `options={"video": row}` names, a row of the whole cache. Videos without a known label are never
    drawn. Frame t of T is frame floor((t + 1/2) L / T) of a video of L >= T frames; shorter videos
    are padded at the end.

    With `order="once"` the videos that would be drawn come once each, in the file's order, and
    `reset(seed=...)` starts anew. After the last one a reset returns that video again, with
    `exhausted` True in the info, and a step raises FrameSelectError. Slot i of a vector of B has
    the videos B - 1 - i, 2 B - 1 - i, ...; a slot without a video left stays as it is while others
    go on. `options={"video": row}` is refused then.

    ## Episode End
    Every episode terminates after one step.

    ## Information
    `info` of the step: `video` (row), `label`, `selected` [T] bool, `p0` and `p1` [C] float64,
    `correct_before`, `correct_after` (classification only), `view` (unless `view=None`),
    `reward_terms` (name -> weighted value). With `order="once"` every info holds `exhausted`.

    ## Arguments
    `data="cues"`, `split="train"`, `fold="default"`, `num_frames=25` (T), `observation="video"`,
    `dtype="float32"` (of observed features; "float16" where the cache stores that, not for "flat"),
    `order="random"` (or "once"), `action="multi_binary"` (or "multi_discrete"), `reward=None` (that
    is "sign_omega", or where no video has a label "diversity_representativeness"), `alpha=0.0`
    (weight of the frames not selected, AS Eq. 10), `empty="wrong"` (with alpha = 0, p1 of an empty
    selection is zeros and counts as wrong; or "baseline": p1 = p0), `stream=None`, `view=None` (of
    a stream with several views of each frame an episode is about all of them together; a number:
    about that view; "random": about one that is drawn with the video, or named by
    `options={"view": number}`), `aggregator="mean"` (what makes p0 and p1 of the frames: their
    mean; "max"; or the file of a judge), `target_frames=8` (m, for rewards with a budget; T if that
    is less),
    `render_mode=None` ("rgb_array" for images of constant size, "ansi" for text; both show the
    label and are for people, not for agents).

    ## Vectorized environment
    `gym.make_vec("FrameSelect/OneShot-v0", num_envs=256, autoreset_mode="NextStep", ...)` is one
    batch in NumPy and equals SyncVectorEnv bit for bit, given the same seeds (with `order="once"`
    slots share the split instead). `max_episode_steps=5` truncates as the TimeLimit wrapper does.

    ## Version History
    * v0: initial version.
    """

    process = OneShotEpisodes


class OneShotVectorEnv(FrameSelectVectorEnv):
    """The batched FrameSelect/OneShot-v0; see `OneShotEnv` for the specification."""

    process = OneShotEpisodes
