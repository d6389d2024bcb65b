"""Detections in COCO format, imported as an object axis.

A file contains {"images": [{"id", "width", "height", "time"}], "annotations": [{"image_id",
"category_id", "bbox": [x, y, width, height] in pixels from the top left, "score"}], "categories":
[{"id", "name"}]}: the parts of https://cocodataset.org/#format-data and #format-results combined,
plus an optional "time" in seconds. Each image is one frame, in file order. "categories" may be
missing from any file; see `data.sources.categories`.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from data.corpora.text_files import read_json
from data.sources.categories import Categories, Identifier, Listed, union
from data.sources.folders import FolderKind, VideoArrays
from frame_select_env.errors import FrameSelectError

SUFFIX = ".json"
OBJECTS = 10
BOX = 4  # numbers per detection besides its categories


def detections_kind(objects: int = OBJECTS) -> FolderKind:
    """Detection files; keeps the K = `objects` detections with the highest scores per frame."""
    if objects < 1:
        raise FrameSelectError(f"--objects {objects}: must be at least 1")

    def fit(files: Sequence[Path]) -> FolderKind:
        categories = union({file: _File(file).listed() for file in files})
        return FolderKind(
            SUFFIX,
            lambda file: _File(file).arrays(objects, categories),
            axis="object",
            record={"categories": categories.names},
        )

    return FolderKind(SUFFIX, lambda file: fit([file]).read(file), axis="object", fit=fit)


class _File:
    def __init__(self, file: Path) -> None:
        self.file = file

    def fail(self, where: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{self.file}: {where}: {message}")

    def content(self) -> dict[str, Any]:
        content = read_json(self.file)
        if not isinstance(content, dict):
            expected = 'expected an object with "images" and "annotations"'
            self.fail("/", f"{expected}; a list of results lacks image sizes")
        return content

    def listed(self) -> Listed:
        """The categories that the file lists, and those that its detections use."""
        content = {"annotations": [], "categories": [], **self.content()}
        names: dict[Identifier, str | None] = {}
        for number, category in enumerate(self.items(content, "categories")):
            where = f"categories[{number}]"
            key, name = self.key(where, category, "id"), category.get("name")
            if key in names:
                self.fail(where, f"id {key!r} is duplicated")
            if name is not None and not isinstance(name, str):
                self.fail(where, f"name is {name!r}; expected a string")
            names[key] = name
        used = {
            self.key(f"annotations[{number}]", annotation, "category_id")
            for number, annotation in enumerate(self.items(content, "annotations"))
        }
        return Listed(names, used)

    def arrays(self, objects: int, categories: Categories) -> VideoArrays:
        """Features [L, K, C + 4] float32 and, if the images have them, times [L].

        A detection's numbers are its score at the index of its category (0 elsewhere), then the
        box: centre x, centre y, width and height, relative to the image. Detections are sorted by
        decreasing score, ties in file order; unused rows are zero.
        """
        content, size = self.content(), len(categories.names) + BOX
        images = self.items(content, "images")
        if not images:
            self.fail("images", "is empty; remove the video")
        rows: dict[Identifier, int] = {}
        sizes = np.empty((len(images), 2))
        times = []
        for row, image in enumerate(images):
            where = f"images[{row}]"
            key = self.key(where, image, "id")
            if key in rows:
                self.fail(where, f"id {key!r} is duplicated")
            rows[key] = row
            sizes[row] = [self.number(where, image, name) for name in ("width", "height")]
            if sizes[row].min() <= 0:
                self.fail(where, "width and height must be positive")
            if "time" in image:
                times.append(self.number(where, image, "time"))
        if len(times) not in (0, len(images)):
            timed = f"{len(times)} of {len(images)} have a time"
            self.fail("images", f"{timed}; add times to all images or to none")
        found: list[list[tuple[float, np.ndarray]]] = [[] for _ in images]
        for number, annotation in enumerate(self.items(content, "annotations")):
            where = f"annotations[{number}]"
            key = self.key(where, annotation, "image_id")
            if key not in rows:
                self.fail(where, f"image_id {key!r} is not the id of an image")
            score, box = self.detection(where, annotation, sizes[rows[key]])
            values = np.zeros(size, np.float32)
            values[categories.index(self.file, annotation["category_id"])] = score
            values[-BOX:] = box
            found[rows[key]].append((score, values))
        features = np.zeros((len(images), objects, size), np.float32)
        for row, detections in enumerate(found):
            best = sorted(detections, key=lambda detection: -detection[0])[:objects]
            for rank, (_, values) in enumerate(best):
                features[row, rank] = values
        return VideoArrays(features, np.array(times, np.float32) if times else None)

    def items(self, content: dict[str, Any], name: str) -> list[dict[str, Any]]:
        values = content.get(name)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.fail(name, "is missing or not a list of objects")
        return values

    def key(self, where: str, item: dict[str, Any], name: str) -> Identifier:
        value = item.get(name)
        if not isinstance(value, (int, str)) or isinstance(value, bool):
            self.fail(where, f"{name} is {value!r}; expected a number or string")
        return value

    def number(self, where: str, item: dict[str, Any], name: str) -> float:
        if name not in item:
            self.fail(where, f"has no {name}")
        return self.finite(where, name, item[name])

    def finite(self, where: str, name: str, value: object) -> float:
        number = math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with suppress(OverflowError):  # JSON integers have no size limit
                number = float(value)
        if not math.isfinite(number):
            self.fail(where, f"{name} is {repr(value)[:40]}; expected a finite number")
        return number

    def detection(
        self, where: str, annotation: dict[str, Any], size: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """The score and the box of one detection in an image of size (width, height)."""
        score = self.number(where, annotation, "score")
        box = annotation.get("bbox")
        if not isinstance(box, list) or len(box) != BOX:
            self.fail(where, f"bbox is {box!r}; expected [x, y, width, height]")
        corner, extent = np.array([self.finite(where, "bbox", v) for v in box]).reshape(2, 2)
        return score, np.concatenate([(corner + extent / 2) / size, extent / size])
