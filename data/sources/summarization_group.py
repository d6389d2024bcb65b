"""One video of a video summarisation file: its datasets, checked as they are read."""

from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from frame_select_env.cache import Summaries, schema
from frame_select_env.cache.summaries import NO_SHOT
from frame_select_env.errors import FrameSelectError


class VideoGroup:
    """The group `key` of one video in an open file; reads only plain numeric datasets."""

    def __init__(self, path: Path, file: h5py.File, key: str, fps: float | None) -> None:
        self.path, self.file, self.key, self.given_fps = path, file, key, fps
        self.refuse_link(file, key, "")
        self.group = file[key]
        if not isinstance(self.group, h5py.Group):
            self.fail("", "is not a video group with features, gtscore and picks")

    def read(self, name: str) -> np.ndarray | None:
        """`features` [n_steps, D], or another array with a row per step; None: absent."""
        if name == "features":
            return self.features()[:]
        readers = {
            "importance": self.importance,
            "time": self.time,
            "number": self.numbers,
            "raters": self.raters,
        }
        return readers[name]()

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
        users = self.raters()
        return None if users is None else users.mean(axis=1, dtype=np.float64).astype(np.float32)

    def raters(self) -> np.ndarray | None:
        """[n_steps, users] float32: user_scores, or user_summary, of the steps or at picks."""
        name = "user_scores" if "user_scores" in self.group else "user_summary"
        users = self.dataset(name, axes=2)
        if users is None or ("picks" not in self.group and "gtscore" in self.group):
            return None
        steps = np.arange(len(self.features()))
        if name == "user_summary" or users.shape[1] != len(steps):
            steps = self.picks(name)
        if not len(users) or steps.max() >= users.shape[1]:
            self.fail(name, f"has shape {users.shape}, but picks go up to {steps.max()}")
        return self.finite(name, users[:].T[steps])

    def summaries(self) -> Summaries | None:
        """What users kept, frame by frame of the original video; None without shots or users.

        A user_summary that is not 0 or 1 holds scores, and no summary.
        """
        shots, users = (self.dataset(name, axes=2) for name in ("change_points", "user_summary"))
        if shots is None or users is None or "picks" not in self.group:
            return None
        frames, picks = users.shape[1], self.picks("user_summary")
        kept = self.finite("user_summary", users[:].T)
        if not np.isin(kept, (0, 1)).all():
            return None
        shot = np.full(frames, NO_SHOT, np.int32)
        bounds = self.finite("change_points", shots[:]).astype(np.int64)
        if bounds.shape[1:] != (2,) or not len(bounds):
            self.fail("change_points", f"has shape {shots.shape}; expected [shots, 2]")
        first, last = bounds.T
        # Some files end one frame late.
        in_order = (first <= last).all() and (last[:-1] < first[1:]).all()
        if not in_order or first[0] < 0 or last[-1] > frames or first[-1] >= frames:
            self.fail(
                "change_points",
                f"must be the first and last frames of shots in order, from 0 to {frames - 1}",
            )
        for number, (begin, end) in enumerate(bounds):
            shot[begin : end + 1] = number
        # A step stands for the frames up to the next; the first also for those before it.
        frame = np.searchsorted(picks, np.arange(frames), side="right") - 1
        return Summaries(np.maximum(frame, 0).astype(np.int32), shot, kept.astype(np.uint8))

    def finite(self, name: str, values: np.ndarray) -> np.ndarray:
        """The values [n, ...] as float32, if all are finite."""
        if wrong := schema.check_finite(name, values):
            self.fail(name, wrong)
        return values.astype(np.float32)

    def time(self) -> np.ndarray | None:
        """[n_steps] float32 seconds: picks divided by the frame rate; None without a rate."""
        fps: object = self.given_fps
        if fps is None:
            dataset = self.dataset("fps", axes=0)
            stored = self.group.attrs.get("fps", self.file.attrs.get("fps"))
            fps = stored if dataset is None else dataset[()]
            if fps is None:
                return None
        number = np.asarray(fps)
        if number.shape != () or number.dtype.kind not in "fiu" or not 0 < number < np.inf:
            self.fail("fps", f"is {fps!r}; expected one positive number")
        return (self.picks("fps") / float(number)).astype(np.float32)

    def numbers(self) -> np.ndarray | None:
        """[n_steps] int64, the picks; None without them."""
        return self.picks("number") if "picks" in self.group else None

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
        if self.group.get(name, getlink=True) is None:
            return None
        self.refuse_link(self.group, name, name)
        item = self.group[name]
        if not isinstance(item, h5py.Dataset):
            self.fail(name, "is a group; expected a dataset")
        if item.is_virtual or item.external:
            self.fail(name, "is a virtual or external dataset, which is not read; copy the data")
        if item.dtype.kind not in "fiu" or item.ndim != axes:
            found = f"has dtype {item.dtype} and shape {item.shape}"
            self.fail(name, f"{found}; expected numbers with {axes} axes")
        return item

    def refuse_link(self, group: h5py.Group, key: str, name: str) -> None:
        """Refuse links: they may point to other files on this machine."""
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            self.fail(name, "is an external or soft link, which is not followed; copy the data")

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise a one-line error about a dataset of this video."""
        where = f"{self.key}/{name}" if name else self.key
        raise FrameSelectError(f"{self.path}: {where}: {message}")
