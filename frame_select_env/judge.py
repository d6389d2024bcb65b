"""A judge that is a small frozen network over the chosen frames in time order, run in NumPy.

Chosen frames x_1 ... x_n, standardised, give embeddings e_i = relu(E x_i + b) and, between one
chosen frame and the next, changes g_i = relu(G (e_{i+1} - e_i) - c) with c >= 0: a temporal
convolution of width 2 whose two taps differ in sign. Both are pooled by their maximum over time,
and a linear layer predicts: softmax(O [max e, max g] + d), for a regression without the softmax.

A maximum counts no repetition, and between equal frames there is no change, so a copy of a chosen
frame beside it adds nothing, exactly; a near-duplicate adds next to nothing. Frames in another
order make other changes, so order matters. `baselines/judge.py` trains such networks; nothing here
offers a gradient.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from frame_select_env.cache import FeatureCache, View
from frame_select_env.cache.schema import DEFAULT_FOLD
from frame_select_env.consensus import on_grid
from frame_select_env.errors import FrameSelectError
from frame_select_env.storage import write_whole

FORMAT, VERSION = "frame-select-judge", 1
BLOCK = 64  # videos embedded at a time


@dataclass(frozen=True)
class JudgeFile:
    """J networks of one shape, and which of them judges which video.

    A network is near-perfect on the videos it was trained on, and would leave nothing to flip
    there. So the training videos are judged by networks that did not train on them, and all others
    by the last network.

    Attributes:
        facts: What it was trained on: task, classes, stream, view, feature_size, the cache's name
            and digest, fold, split, num_frames, seed, hyper-parameters; and `bounds`, the least and
            the greatest value that it predicts, for a regression those of the training labels.
        mean: [D]. scale: [D], 1 / standard deviation, 0 for a constant feature. All arrays but
            `part` are float32.
        embed_weight: [J, H, D]. embed_bias: [J, H].
        change_weight: [J, G, H]. change_threshold: [J, G], c, at least 0.
        output_weight: [J, C, H + G]. output_bias: [J, C].
        part: [N] int64, the network of each video of the cache it was trained on.
    """

    facts: dict[str, Any]
    mean: np.ndarray
    scale: np.ndarray
    embed_weight: np.ndarray
    embed_bias: np.ndarray
    change_weight: np.ndarray
    change_threshold: np.ndarray
    output_weight: np.ndarray
    output_bias: np.ndarray
    part: np.ndarray
    path: Path = Path("judge.safetensors")

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {name: one for name, one in vars(self).items() if isinstance(one, np.ndarray)}


class NetworkJudge:
    """Runs a judge's networks on the videos of one cache.

    A video is computed by itself in float64 and rounded, its embeddings to float32 and its
    prediction to the grid of `on_grid`, so that neither the batch nor the place of a frame in the
    selection leaves a trace in the last bits, which rewards would pay for as if it were real.

    Args:
        file: The judge.
        cache: The cache whose videos it judges.
        fold: The fold whose splits are used.
        stream: Its stream; None for the only one.
        view: The environment's view.

    Raises:
        FrameSelectError: if the judge was made for other features, classes or splits.
    """

    source: Literal["features"] = "features"

    def __init__(
        self,
        file: JudgeFile,
        cache: FeatureCache,
        fold: str = DEFAULT_FOLD,
        stream: str | None = None,
        view: View = None,
    ) -> None:
        _check_fit(file, cache, fold, cache.stream(stream), view)
        self.key = f"{_checksum(file.tensors(), file.facts)} of {file.path}"
        self._softmax = file.facts["task"] == "classification"
        self.bounds: tuple[float, float] = (*file.facts["bounds"],)
        networks = len(file.embed_weight)
        self._part = np.full(len(cache), networks - 1)
        if file.facts["digest"] == cache.digest:
            self._part = file.part
        self._mean, self._scale = file.mean.astype(np.float64), file.scale.astype(np.float64)
        self._embed, self._change, self._output = (
            np.ascontiguousarray(one.swapaxes(1, 2), np.float64)
            for one in (file.embed_weight, file.change_weight, file.output_weight)
        )
        self._embed_bias, self._threshold, self._output_bias = (
            one.astype(np.float64)
            for one in (file.embed_bias, file.change_threshold, file.output_bias)
        )

    def frames(self, values: np.ndarray, video: np.ndarray) -> np.ndarray:
        """The frames' embeddings, [B, T, H] float32, from features [B, T, D]."""
        embedded = np.empty((*values.shape[:2], self._embed.shape[2]), np.float32)
        part = self._part[video]
        for network in np.unique(part):
            own = np.flatnonzero(part == network)
            for first in range(0, len(own), BLOCK):
                some = own[first : first + BLOCK]
                normal = (values[some].astype(np.float64) - self._mean) * self._scale
                linear = np.matmul(normal, self._embed[network]) + self._embed_bias[network]
                embedded[some] = np.maximum(linear, 0)
        return embedded

    def __call__(self, frames: np.ndarray, selected: np.ndarray, video: np.ndarray) -> np.ndarray:
        """The predictions [B, C] float64 from embeddings [B, T, H]; zeros if none is selected."""
        part = self._part[video]
        chosen = np.take_along_axis(frames, in_order(selected)[:, :, None], axis=1)
        chosen = chosen.astype(np.float64)
        steps = np.matmul(chosen[:, 1:] - chosen[:, :-1], self._change[part])
        change = (steps - self._threshold[part][:, None]).max(axis=1, initial=0.0)
        pooled = np.concatenate([chosen.max(axis=1), change], axis=1)
        values = np.matmul(pooled[:, None], self._output[part])[:, 0] + self._output_bias[part]
        if self._softmax:
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
        values = on_grid(values.clip(*self.bounds))
        return np.where(selected.any(axis=1, keepdims=True), values, 0.0)


def in_order(selected: np.ndarray) -> np.ndarray:
    """The selected frames [B, T] bool as numbers in time order, [B, T] int64, the last repeated.

    A repeated frame adds nothing. Where nothing is selected it is frame 0.
    """
    order = np.argsort(~selected, axis=1, kind="stable")
    last = np.maximum(selected.sum(axis=1) - 1, 0)
    return np.take_along_axis(
        order, np.minimum(np.arange(selected.shape[1]), last[:, None]), axis=1
    )


def write_judge(path: Path, file: JudgeFile) -> None:
    """Write a judge, whole or not at all.

    Raises:
        UnwritableError: if it cannot be written.
    """
    safetensors = _safetensors(path)
    tensors = {name: np.ascontiguousarray(one) for name, one in file.tensors().items()}
    facts = {**file.facts, "format": FORMAT, "version": VERSION}
    # One string, because safetensors orders several at random.
    header = json.dumps({**facts, "checksum": _checksum(tensors, file.facts)}, sort_keys=True)
    write_whole(path, safetensors.numpy.save(tensors, {"header": header}))


def read_judge(path: Path) -> JudgeFile:
    """Read a judge.

    Raises:
        FrameSelectError: if the file cannot be read, is damaged or is no judge.
    """
    safetensors = _safetensors(path)
    remedy = "make it again with frame-select judge CACHE OUT.safetensors"
    try:
        with safetensors.safe_open(path, "np") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            facts = json.loads((opened.metadata() or {})["header"])
        kind, version = facts.pop("format"), facts.pop("version")
        total = facts.pop("checksum")
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FrameSelectError(f"{path}: is no judge, or is damaged ({error}); {remedy}") from None
    if (kind, version) != (FORMAT, VERSION):
        raise FrameSelectError(f"{path}: is {kind} version {version}, not {VERSION}; {remedy}")
    if total != _checksum(tensors, facts):
        raise FrameSelectError(f"{path}: is damaged (the checksum is wrong); {remedy}")
    return JudgeFile(facts, **tensors, path=path)


def _safetensors(path: Path) -> ModuleType:
    """The module `safetensors`, which only judges need."""
    try:
        import safetensors
        import safetensors.numpy
    except ModuleNotFoundError:
        raise FrameSelectError(
            f'{path}: needs safetensors; run: pip install "frame-select-env[judge]"'
        ) from None
    return safetensors


def _checksum(tensors: dict[str, np.ndarray], facts: dict[str, Any]) -> str:
    """A checksum of facts, names, types, shapes and values."""
    total = zlib.crc32(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        total = zlib.crc32(f"{name} {values.dtype} {values.shape}".encode(), total)
        total = zlib.crc32(values.data if values.size else b"", total)
    return f"{total:08x}"


def _check_fit(file: JudgeFile, cache: FeatureCache, fold: str, stream: str, view: View) -> None:
    """Refuse a judge that was made for other features, classes or splits."""
    made, name = file.facts, cache.path.name
    size = cache.feature_size(stream, view)
    remedy = f"make one with frame-select judge {name} OUT.safetensors"
    if made["classes"] != list(cache.classes):
        raise FrameSelectError(
            f"{file.path}: judges other classes, those of {made['cache']}; {name} does not have "
            f"them; {remedy}"
        )
    if made["stream"] != stream:
        raise FrameSelectError(
            f"{file.path}: judges the stream {made['stream']!r}, not {stream!r} of {name}; "
            f"{remedy} --stream {stream}"
        )
    if made["feature_size"] != size:
        raise FrameSelectError(
            f"{file.path}: judges {made['feature_size']} features per frame (view "
            f"{made['view']}), but {name} has {size} (view {view}); {remedy}"
        )
    if made["digest"] == cache.digest and made["fold"] != fold:
        raise FrameSelectError(
            f"{file.path}: was trained on fold {made['fold']!r}, so it may know test videos "
            f"of fold {fold!r}; {remedy} --fold {fold}"
        )
    if made["cache"] == name and made["digest"] != cache.digest:
        raise FrameSelectError(
            f"{file.path}: {name} has changed since this judge was trained on it (digests "
            f"differ); {remedy}"
        )
