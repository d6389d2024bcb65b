"""Selector: a trained agent that ranks the frames of new videos, from its run folder alone."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from agents.evaluation.scoring import importance_scores
from agents.picking.arrays import ByStream, checked_features, checked_predictions
from agents.picking.selection import DECODING_THREADS, Selection
from agents.training.load import LoadedAgent, check_modules, load_agent
from agents.zoo import run_folder
from data.backbones import Backbone
from data.extraction.one_video import frame_arrays, with_timeline
from data.extraction.recorded import Recorded, read_recorded
from data.extraction.settings import Settings
from data.head.heads import head_from
from data.head.linear import head_input
from data.video.timeline import Timeline
from frame_select_env import Clips, FrameSelectError, top_frames
from frame_select_env.cache import clips_of_video, frame_index


class Selector:
    """A trained agent that picks frames of new videos.

    It needs the run folder, and for `pick` the weights of the backbones, but not the cache that the
    agent was trained on.

    Attributes:
        folder: The run folder.
        agent: The ranking.
        task: What it was trained for; of T = `task.num_frames` frames of a video it ranks all.
        streams: Names of the streams that it sees.
        classes: Names of the C classes, or of the regression targets.
        kind: "classification" or "regression".
    """

    def __init__(
        self,
        folder: Path,
        loaded: LoadedAgent,
        weights: Sequence[Path] = (),
        device: str = "cpu",
        trust_code: bool = False,
    ) -> None:
        self.folder, self.agent, self.task = folder, loaded.agent, loaded.task
        self.classes, self.kind = loaded.inputs.classes, loaded.inputs.task
        self._inputs, self._device, self._trust_code = loaded.inputs, device, trust_code
        self._files = tuple(map(Path, weights))
        self.streams = loaded.inputs.parts(loaded.task.stream)

    @classmethod
    def load(
        cls,
        run: str | Path,
        weights: Sequence[str | Path] = (),
        device: str = "cpu",
        trust_code: bool = False,
    ) -> "Selector":
        """Load a trained agent from its run folder.

        Args:
            run: The run folder, or the name of one that ships, "zoo:cues/reinforce".
            weights: Files of weights, and folders of Hugging Face models, that the features were
                made with; by default they are looked for in the run folder and the current folder.
            device: Where the backbones run: cpu, cuda or cuda:N.
            trust_code: Import modules outside the project that the run names.

        Raises:
            FrameSelectError: if the folder holds no finished run, or one of an earlier version.
        """
        folder = run_folder(run)
        files = [Path(file) for file in weights]
        return cls(folder, load_agent(folder, trust_code), files, device, trust_code)

    def score(
        self,
        features: np.ndarray | ByStream,
        predictions: np.ndarray | ByStream | None = None,
    ) -> np.ndarray:
        """Importance scores of a video's frames, from features like those it was trained on.

        Args:
            features: [L, D], or with an axis of views or objects [L, V, D]; of several streams a
                dict of them by stream.
            predictions: Class probabilities (regression: values) [L, C], or by stream; None for
                those of the run's own head.

        Returns:
            [L] float64, higher is better; -inf at frames that are not among the T that it ranks,
            which `frame_select_env.cache.frame_index` spaces evenly.

        Raises:
            FrameSelectError: if the arrays do not fit the run, or predictions are missing.
        """
        arrays = checked_features(self._inputs, self.streams, features)
        length = len(next(iter(arrays.values())))
        if predictions is None:
            told = self._predict(arrays, {})
        else:
            told = checked_predictions(self._inputs, self.streams, predictions, length)
        scores, _ = self._scores(arrays, told, np.arange(length))
        index, valid = (one[0] for one in frame_index(np.array([length]), self.task.num_frames))
        every = np.full(length, -np.inf)
        every[index[valid]] = scores[valid]
        return every

    def pick(self, video: str | Path, frames: int | None = None) -> Selection:
        """The m best frames of a video, all of a shorter one.

        Args:
            video: A file in any container that `frame-select extract` reads.
            frames: m; None for the number that the agent was trained for.

        Raises:
            VideoError: if the video cannot be used.
            FrameSelectError: if m is out of range, the run is on imported features, or the weights
                of a backbone are missing or not those that its features were made with.
        """
        count = self.check_frames(frames)
        settings, backbones = self.extraction
        path = Path(video)

        def pick(timeline: Timeline) -> Selection:
            numbers = settings.sampling.numbers(timeline)
            index, valid = frame_index(np.array([len(numbers)]), self.task.num_frames)
            numbers = numbers[index[valid]]
            seconds = timeline.seconds[numbers]
            made = (path, timeline, numbers, settings, backbones, DECODING_THREADS)
            arrays, _ = frame_arrays(*made)
            features = {stream: arrays[f"features.{stream}"] for stream in self.streams}
            told = self._predict(features, arrays)
            scores, clips = self._scores(features, told, seconds)
            kept = top_frames(scores[None], clips.valid[:1], count)[0][: len(numbers)]
            return Selection(
                path,
                numbers[kept],
                seconds[kept],
                scores[: len(numbers)][kept],
                clips.predictions.mean(axis=0)[: len(numbers)][kept],
                timeline,
            )

        return with_timeline(path, pick)

    def check_frames(self, frames: int | None) -> int:
        """The number of frames to pick, by default the one that the agent was trained for.

        Raises:
            FrameSelectError: if it is not from 1 to T.
        """
        count = self.task.target_frames if frames is None else frames
        if not 1 <= count <= self.task.num_frames:
            raise FrameSelectError(
                f"frames={count}: must be from 1 to {self.task.num_frames}, the number of frames "
                f"per video that {self.folder} ranks"
            )
        return count

    @cached_property
    def extraction(self) -> tuple[Settings, dict[str, Backbone]]:
        """The settings and networks that make the features.

        Raises:
            FrameSelectError: as `pick` does.
        """
        recorded = self.recorded
        check_modules(f"{self.folder}: its cache", recorded.modules, self._trust_code)
        return recorded.build(self._device, self._files, (self.folder, Path()))

    @cached_property
    def recorded(self) -> Recorded:
        """How the features of the run's cache were made."""
        provenance = self._inputs.provenance
        try:
            recorded = read_recorded(provenance, self.streams)
        except LookupError as error:
            if error.args == ("imported",):
                source = f" ({provenance['source']})" if "source" in provenance else ""
                raise FrameSelectError(
                    f"{self.folder}: was trained on imported features{source}, whose backbone is "
                    "not known; compute features yourself and rank them in Python: "
                    "Selector.load(RUN).score(features)"
                ) from None
            raise FrameSelectError(
                f"{self.folder}: its cache was made by an earlier version, which did not record "
                "the weights; extract the features and train again"
            ) from None
        without = (self._inputs.head(one, self.task.fold) is None for one in self.streams)
        if any(without) and not self._inputs.single_class:
            classes = len(self.classes)  # then networks predict themselves
            return dataclasses.replace(
                recorded, settings=dataclasses.replace(recorded.settings, classes=classes)
            )
        return recorded

    def _scores(
        self, features: ByStream, predictions: ByStream, seconds: np.ndarray
    ) -> tuple[np.ndarray, Clips]:
        """Scores [T], -inf at padding, averaged over views, and the clips that were ranked."""
        task = self.task
        clips = clips_of_video(features, predictions, seconds, task.num_frames, task.view)
        scores = importance_scores(self.agent, clips, np.zeros(len(clips), np.int64))
        return scores.mean(axis=0, dtype=np.float64), clips

    def _predict(self, features: ByStream, given: ByStream) -> dict[str, np.ndarray]:
        """Predictions by stream: by its head, or else `given` as predictions.STREAM.

        The only class has probability 1.
        """
        made = {}
        for stream, values in features.items():
            head = self._inputs.head(stream, self.task.fold)
            if head is not None:
                trained = head_from(head, probabilities=self.kind == "classification")
                axis = self._inputs.features_extent(stream).axes
                made[stream] = trained.predict(head_input(values, axis))
            elif (name := f"predictions.{stream}") in given:
                made[stream] = given[name]
            elif self._inputs.single_class:
                made[stream] = np.ones((len(values), 1), np.float32)
            else:
                raise FrameSelectError(
                    f"{self.folder}: the predictions of stream {stream!r} were not made by a head "
                    "that the run keeps; give them: "
                    "score(features, predictions)"
                )
        return made
