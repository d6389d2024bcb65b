"""Needle tests: clips of a cache of trimmed videos, spliced into long ones with known truth.

A composed video is a needle, some frames of a clip whose class is the label, among equally long
pieces of clips of other classes. The classes are divided in two: needles are of the one half, which
are the labels, and the background is of the other half, which are not. So what a frame shows tells
whether it counts, and nothing else does: length, place and the number of cuts do not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data.head.crossfit import PARTS, group_parts, stratified_parts
from data.sources.source import Source
from frame_select_env.cache import FeatureCache, schema
from frame_select_env.errors import FrameSelectError, known

SPLITS = ("train", "val", "test")
MORE_PARTS = 10  # of the splits that nothing is cross-fitted on


@dataclass(frozen=True)
class Composition:
    """What to compose.

    Raises:
        FrameSelectError: naming the argument and the allowed values.
    """

    #: Frames per video.
    length: int = 25
    #: Frames of the needle, and at most of every other piece; all of a clip that is shorter.
    needle: int = 5
    #: Number of training, validation and test videos. There are no validation videos if the cache
    #: has none: training holds out some of its own then.
    videos: tuple[int, int, int] = (400, 100, 200)
    #: Classes of the background, which are no labels. Default: half of the classes, by the seed.
    background_classes: tuple[str, ...] = ()
    #: The fold whose splits the clips are taken from.
    fold: str = "default"
    #: Seed of the random number generator, and of cross-fitting.
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in {"length": 2, "needle": 1, "seed": 0}.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise FrameSelectError(f"{name}={value!r}: must be an integer of at least {low}")
        if self.needle >= self.length:
            wrong = f"needle={self.needle}: must be less than length={self.length}"
            raise FrameSelectError(f"{wrong}, to leave frames for the background")
        if min(self.videos) < 0 or not self.videos[0] or not self.videos[2]:
            wrong = f"videos={self.videos}: must be numbers of training, validation and test videos"
            raise FrameSelectError(f"{wrong}; only that of validation videos may be 0")


@dataclass(frozen=True)
class Piece:
    """Contiguous frames of one clip."""

    row: int  # of the clip in the cache
    first: int  # frame in the clip
    frames: int


@dataclass(frozen=True)
class Composed:
    """One composed video."""

    pieces: tuple[Piece, ...]  # in order
    needle: int  # which of them
    label: int  # a label of the composed cache
    split: str
    group: str  # videos of one group share clips, those of two groups do not

    @property
    def importance(self) -> np.ndarray:
        """[L] float32, 1 on the needle."""
        counts = [piece.frames for piece in self.pieces]
        return np.repeat(np.arange(len(counts)) == self.needle, counts).astype(np.float32)


@dataclass(frozen=True)
class Part:
    """Clips of one split that some composed videos are made of, and no others."""

    group: str
    needles: dict[int, np.ndarray]  # by class: rows in the cache
    background: np.ndarray  # rows in the cache


def compose_source(cache: FeatureCache, composition: Composition) -> Source:
    """The composed videos, whose frames are read from `cache` one video at a time.

    Clips of a split are only in videos of that split. Within a split the clips (whole groups of
    them, where the cache has groups) are divided into parts, and a video is made of one part: its
    `group`. Heads that leave out groups, `--crossfit group`, then saw no frame of a video that they
    predict. Of a part with few background clips a video shows some several times.

    Raises:
        FrameSelectError: naming the cache and what it lacks.
    """
    if cache.task != "classification":
        raise FrameSelectError(f"{cache.path}: has targets; composing needs classes")
    rng = np.random.default_rng(composition.seed)
    needles, background = divide_classes(cache, composition.background_classes, rng)
    videos: list[Composed] = []
    notes = []
    for split, count in zip(SPLITS, composition.videos, strict=True):
        if split == "val" and split not in cache.splits(composition.fold):
            notes += ["no validation videos: the cache has none"] if count else []
        elif count:
            parts = clip_parts(cache, composition.fold, split, needles, background, rng)
            videos += compose_videos(cache, parts, split, count, needles, composition, rng)

    def joined(read: Callable[[int], np.ndarray]) -> Callable[[int], np.ndarray]:
        return lambda row: np.concatenate(
            [read(one.row)[one.first : one.first + one.frames] for one in videos[row].pieces]
        )

    def thumbnail(row: int) -> np.ndarray:
        return cache.read_frames("thumbnail", np.array([row]), int(cache.lengths[row]))[0]

    frames = {"importance": lambda row: videos[row].importance}
    if "thumbnail" in cache.frame_datasets:
        frames["thumbnail"] = joined(thumbnail)
    number = {split: iter(range(len(videos))) for split in SPLITS}
    used = {"length": composition.length, "needle": composition.needle, "fold": composition.fold}
    return Source(
        path=cache.path,
        task="classification",
        outputs=[cache.classes[label] for label in needles],
        ids=np.array([f"{one.split}_{next(number[one.split]):04d}" for one in videos]),
        labels=np.array([one.label for one in videos], np.int64),
        splits={"default": np.array([one.split for one in videos])},
        lengths=np.full(len(videos), composition.length, np.int64),
        features={stream: joined(_reader(cache, stream)) for stream in cache.streams},
        groups=np.array([one.group for one in videos]),
        frames=frames,
        notes=notes,
        axes={s: axis for s in cache.streams if (axis := cache.features_extent(s).axes)},
        record={
            "composed": {
                **used,
                "cache": cache.digest,
                "background_classes": [cache.classes[label] for label in background],
            }
        },
    )


def _reader(cache: FeatureCache, stream: str) -> Callable[[int], np.ndarray]:
    """A reader of all frames of a clip, [L, ...]."""
    return lambda row: cache.features(stream)[cache.start[row] : cache.start[row + 1]]


def divide_classes(
    cache: FeatureCache, names: tuple[str, ...], rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """The classes of needles and those of the background, ascending."""
    classes = list(cache.classes)
    for name in names:
        if name not in classes:
            raise FrameSelectError(f"{cache.path}: {known('background class', name, classes)}")
    chosen = {classes.index(name) for name in names}
    if not names:
        drawn = rng.permutation(len(classes))[: len(classes) // 2]
        chosen = {int(label) for label in drawn}
    needles = [label for label in range(len(classes)) if label not in chosen]
    if not chosen or len(needles) < 2:
        wrong = f"{len(classes)} classes, of which {len(chosen)} are background"
        raise FrameSelectError(
            f"{cache.path}: {wrong}; needles need two classes and the background one"
        )
    return needles, sorted(chosen)


def clip_parts(
    cache: FeatureCache,
    fold: str,
    split: str,
    needles: list[int],
    background: list[int],
    rng: np.random.Generator,
) -> list[Part]:
    """The clips of a split in parts that share none: no group, or where there are none no clip."""
    rows = cache.rows(split, fold)
    rows = rows[cache.labels[rows] != schema.UNKNOWN_LABEL]
    count = PARTS if split == "train" else MORE_PARTS
    label = cache.labels[rows]
    if cache.groups is not None and len(np.unique(cache.groups[rows])) > 1:
        number = group_parts(cache.groups[rows], rng, count)
    else:
        number = stratified_parts(label, rng, count)
    parts = []
    for place in np.unique(number):
        own, labels = rows[number == place], label[number == place]
        found = {one: own[labels == one] for one in needles if (labels == one).any()}
        rest = own[np.isin(labels, background)]
        if found and len(rest):
            parts.append(Part(f"{split}_{place}", found, rest))
    have = {one for part in parts for one in part.needles}
    missing = [cache.classes[one] for one in needles if one not in have]
    if missing:
        raise FrameSelectError(
            f"{cache.path}: split {split!r} has no clip of {missing[0]!r} beside clips of the "
            "background; add clips, or choose other background classes"
        )
    return parts


def compose_videos(
    cache: FeatureCache,
    parts: list[Part],
    split: str,
    count: int,
    needles: list[int],
    composition: Composition,
    rng: np.random.Generator,
) -> Iterator[Composed]:
    """`count` videos with equally frequent labels in random order; parts take turns by label."""
    # Labels begin with different parts, so that few videos use many parts.
    turns = [place * len(parts) // len(needles) for place in range(len(needles))]
    for label in rng.permutation(np.arange(count) % len(needles)).tolist():
        having = [part for part in parts if needles[label] in part.needles]
        part = having[turns[label] % len(having)]
        turns[label] += 1
        clip = int(rng.choice(part.needles[needles[label]]))
        needle = cut(cache, clip, composition.needle, rng)
        others: list[Piece] = []
        left, order = composition.length - needle.frames, iter(())
        while left:
            row = next(order, None)
            if row is None:  # every clip once, then again
                order = iter(rng.permutation(part.background).tolist())
                continue
            others.append(cut(cache, row, min(composition.needle, left), rng))
            left -= others[-1].frames
        # Shuffled, for the last one may be cut short.
        pieces = [others[place] for place in rng.permutation(len(others))]
        place = int(rng.integers(len(pieces) + 1))
        pieces.insert(place, needle)
        yield Composed(tuple(pieces), place, label, split, part.group)


def cut(cache: FeatureCache, row: int, frames: int, rng: np.random.Generator) -> Piece:
    """Contiguous frames at a random place of a clip; all of a shorter clip."""
    length = int(cache.lengths[row])
    frames = min(frames, length)
    return Piece(row, int(rng.integers(length - frames + 1)), frames)
