"""One video in a summarisation h5.

The layout is that of Zhou, Qiao and Xiang, "Deep Reinforcement Learning for Unsupervised Video
Summarization with Diversity-Representativeness Reward" (AAAI 2018), for example
eccv16_dataset_tvsum_google_pool5.h5. Each video is a group; these datasets are read:

    features [n_steps, D]            of a subset of the frames, every 15th in TVSum
    gtscore [n_steps]                importance; if absent, the mean over users of user_summary
    picks [n_steps]                  frame numbers of the steps, from 0
    user_summary [users, n_frames]
    fps                              optional, our addition; or an attribute of the group or file

Others (change_points, n_frame_per_seg, gtsummary, video_name, ...) are ignored.
"""

from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError


class SummarizationVideo:
    """The group of one video in an open file; reads only plain numeric datasets.

    Args:
        path: The file, for messages.
        file: The open file.
        key: The name of the group.
        fps: Frames per second; None: as stored in the file.
    """

    def __init__(self, path: Path, file: h5py.File, key: str, fps: float | None) -> None:
        self.path, self.file, self.key, self.given_fps = path, file, key, fps
        self.refuse_link(file, key, "")
        self.group = file[key]
        if not isinstance(self.group, h5py.Group):
            self.fail("", "is not a video group with features, gtscore and picks")

    def read(self, name: str) -> np.ndarray | None:
        """`features` [n_steps, D], `importance` [n_steps] or `time` [n_steps] (s); None: absent."""
        if name == "features":
            return self.features()[:]
        return self.importance() if name == "importance" else self.time()

    def features(self) -> h5py.Dataset:
        """The dataset `features`, which must exist and have at least one step."""
        item = self.dataset("features", axes=2)
        if item is None:
            have = ", ".join(self.group) or "nothing"
            self.fail("features", f"is missing; the group contains {have}")
        if not item.size:
            self.fail("features", f"has shape {item.shape}; remove the video")
        return item

    def importance(self) -> np.ndarray | None:
        """[n_steps] float32: gtscore, or the mean over users of user_summary at picks."""
        scores = self.steps("gtscore")
        if scores is not None:
            return scores.astype(np.float32)
        users = self.dataset("user_summary", axes=2)
        if users is None:
            return None
        picks = self.picks("user_summary")
        if not len(users) or picks.max() >= users.shape[1]:
            self.fail("user_summary", f"has shape {users.shape}, but picks go up to {picks.max()}")
        mean = users[:].mean(axis=0, dtype=np.float64)[picks]
        if wrong := schema.check_finite("user_summary", mean):
            self.fail("user_summary", wrong)
        return mean.astype(np.float32)

    def time(self) -> np.ndarray | None:
        """[n_steps] float32 seconds: picks divided by the frame rate."""
        fps = self.fps()
        return None if fps is None else (self.picks("fps") / fps).astype(np.float32)

    def fps(self) -> float | None:
        """Frames per second as given or as stored in the file; None if neither."""
        if self.given_fps is not None:
            return self.given_fps
        dataset = self.dataset("fps", axes=0)
        value = dataset[()] if dataset is not None else None
        if value is None:
            value = self.group.attrs.get("fps", self.file.attrs.get("fps"))
        if value is None:
            return None
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiu" or not 0 < number < np.inf:
            self.fail("fps", f"is {value!r}; expected one positive number")
        return float(number)

    def picks(self, needed_by: str) -> np.ndarray:
        """[n_steps] int64, increasing."""
        picks = self.steps("picks")
        if picks is None:
            self.fail("picks", f"is missing; {needed_by} needs it")
        # Convert to signed integers first: differences of unsigned integers are never negative.
        whole = picks.astype(np.int64)
        if whole.min() < 0 or (np.diff(whole) <= 0).any() or (whole != picks).any():
            self.fail("picks", "must be increasing whole numbers, from 0")
        return whole

    def steps(self, name: str) -> np.ndarray | None:
        """A dataset with one finite number per step."""
        item = self.dataset(name, axes=1)
        if item is None:
            return None
        count = len(self.features())
        if len(item) != count:
            self.fail(name, f"has {len(item)} values; features has {count} steps")
        values = item[:]
        if wrong := schema.check_finite(name, values):
            self.fail(name, wrong)
        return values

    def dataset(self, name: str, axes: int) -> h5py.Dataset | None:
        """A numeric dataset with that many axes; None if absent."""
        if name not in self.group:
            # To h5py, a dangling link is absent.
            if self.group.get(name, getlink=True) is not None:
                self.refuse_link(self.group, name, name)
            return None
        self.refuse_link(self.group, name, name)
        item = self.group[name]
        if not isinstance(item, h5py.Dataset):
            self.fail(name, "is a group; expected a dataset")
        if item.is_virtual or item.external:
            self.fail(name, "is a virtual or external dataset, which is not read; copy the data")
        if item.dtype.kind not in "fiu" or item.ndim != axes:
            self.fail(
                name,
                f"has dtype {item.dtype} and shape {item.shape}; expected numbers with {axes} axes",
            )
        return item

    def refuse_link(self, group: h5py.Group, key: str, name: str) -> None:
        """Refuse links: they may point to other files on this machine."""
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            self.fail(name, "is an external or soft link, which is not followed; copy the data")

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise a one-line error about a dataset of this video."""
        where = f"{self.key}/{name}" if name else self.key
        raise FrameSelectError(f"{self.path}: {where}: {message}")
