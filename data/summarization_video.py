"""One video in an h5 of video summarisation.

The layout is that of the files with which Zhou, Qiao and Xiang, "Deep Reinforcement Learning for
Unsupervised Video Summarization with Diversity-Representativeness Reward" (AAAI 2018), train, such
as eccv16_dataset_tvsum_google_pool5.h5. Of every video's group these are read:

    features [n_steps, D]            of a part of the video's frames, every 15th in TVSum
    gtscore [n_steps]                importance; where absent, user_summary's mean over users
    picks [n_steps]                  the steps' numbers among the video's frames, from 0
    user_summary [users, n_frames]
    fps                              of our own and optional; or an attribute of the group or file

The rest (change_points, n_frame_per_seg, gtsummary, video_name and so on) is not looked at.
"""

from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError


class SummarizationVideo:
    """A video's group in an open file; only plain datasets of numbers are ever read.

    Args:
        path: The file, for messages.
        file: The same, open.
        key: The group's name.
        fps: Frames per second; None: what the file tells.

    Raises:
        FrameSelectError: if `key` is a link out of the file, or no group.
    """

    def __init__(self, path: Path, file: h5py.File, key: str, fps: float | None) -> None:
        self.path, self.file, self.key, self.given_fps = path, file, key, fps
        self.hard_link(file, key, "")
        self.group = file[key]
        if not isinstance(self.group, h5py.Group):
            self.fail("", "is no group of a video, with features, gtscore and picks")

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise the one-line error about a dataset of this video."""
        where = f"{self.key}/{name}" if name else self.key
        raise FrameSelectError(f"{self.path}: {where}: {message}")

    def hard_link(self, group: h5py.Group, key: str, name: str) -> None:
        """Refuse what leads elsewhere, perhaps to other files of this machine."""
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            self.fail(name, "is an external or soft link, which is not followed; copy the data")

    def optional(self, name: str, axes: int) -> h5py.Dataset | None:
        """A dataset of numbers with so many axes; None if there is none."""
        if name not in self.group:
            # A link to nowhere counts as absent for h5py.
            if self.group.get(name, getlink=True) is not None:
                self.hard_link(self.group, name, name)
            return None
        self.hard_link(self.group, name, name)
        item = self.group[name]
        if not isinstance(item, h5py.Dataset):
            self.fail(name, "is a group; expected a dataset")
        if item.is_virtual or item.external:
            self.fail(name, "is a virtual or external dataset, which is not read; copy the data")
        if item.dtype.kind not in "fiu" or item.ndim != axes:
            self.fail(name, f"is {item.dtype} {item.shape}; expected numbers with {axes} axes")
        return item

    def dataset(self, name: str) -> h5py.Dataset:
        """`features`, which must be there and hold at least one step."""
        item = self.optional(name, axes=2)
        if item is None:
            have = ", ".join(self.group) or "nothing"
            self.fail(name, f"is missing; the group holds {have}")
        if not item.size:
            self.fail(name, f"has the shape {item.shape}; remove the video")
        return item

    def read(self, name: str) -> np.ndarray | None:
        """`features` [n_steps, D], `importance` [n_steps] or `time` [n_steps] (s); None: absent."""
        if name == "features":
            return self.dataset(name)[:]
        return self.importance() if name == "importance" else self.time()

    def importance(self) -> np.ndarray | None:
        """[n_steps] float32: gtscore, else the mean over users of user_summary at picks."""
        scores = self.steps("gtscore")
        if scores is not None:
            return scores.astype(np.float32)
        users = self.optional("user_summary", axes=2)
        if users is None:
            return None
        picks = self.picks("user_summary")
        if not len(users) or picks.max() >= users.shape[1]:
            self.fail("user_summary", f"is {users.shape}, but picks reach up to {picks.max()}")
        mean = users[:].mean(axis=0, dtype=np.float64)[picks]
        self.refuse("user_summary", schema.check_finite("user_summary", mean))
        return mean.astype(np.float32)

    def time(self) -> np.ndarray | None:
        """[n_steps] float32 seconds: picks over the frame rate."""
        fps = self.fps()
        return None if fps is None else (self.picks("fps") / fps).astype(np.float32)

    def fps(self) -> float | None:
        """Frames per second as given, or as the file tells; None: it does not."""
        if self.given_fps is not None:
            return self.given_fps
        told = self.optional("fps", axes=0)
        value = told[()] if told is not None else None
        if value is None:
            value = self.group.attrs.get("fps", self.file.attrs.get("fps"))
        if value is None:
            return None
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiu" or not 0 < number < np.inf:
            self.fail("fps", f"is {value!r}; expected one number above 0")
        return float(number)

    def picks(self, wanted_by: str) -> np.ndarray:
        """[n_steps] int64, rising."""
        picks = self.steps("picks")
        if picks is None:
            self.fail("picks", f"is missing; {wanted_by} needs it")
        # First to signed integers: unsigned differences would never fall below 0.
        whole = picks.astype(np.int64)
        if whole.min() < 0 or (np.diff(whole) <= 0).any() or (whole != picks).any():
            self.fail("picks", "must be whole numbers from 0 on that rise")
        return whole

    def steps(self, name: str) -> np.ndarray | None:
        """A dataset of one finite number per step."""
        item = self.optional(name, axes=1)
        if item is None:
            return None
        count = len(self.dataset("features"))
        if len(item) != count:
            self.fail(name, f"has {len(item)} entries; features has {count} steps")
        values = item[:]
        self.refuse(name, schema.check_finite(name, values))
        return values

    def refuse(self, name: str, wrong: str | None) -> None:
        """Fail if something is wrong."""
        if wrong:
            self.fail(name, wrong)
