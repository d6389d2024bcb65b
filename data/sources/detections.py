"""Detections in COCO format, imported as an object axis with 84 numbers per detection.

A file contains {"images": [{"id", "width", "height", "time"}], "annotations": [{"image_id",
"category_id", "bbox": [x, y, width, height] in pixels from the top left, "score"}]}: the parts of
https://cocodataset.org/#format-data and #format-results combined, plus an optional "time" in
seconds. Each image is one frame, in file order.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from data.corpora.text_files import read_json
from data.sources.folders import FolderKind, VideoArrays
from frame_select_env.errors import FrameSelectError

SUFFIX = ".json"
OBJECTS = 10
# The 80 of COCO's category numbers 1 to 90 that its detection task uses.
CATEGORIES = [n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
INDEX = {category: index for index, category in enumerate(CATEGORIES)}
SIZE = len(CATEGORIES) + 4


def detections_kind(objects: int = OBJECTS) -> FolderKind:
    """Detection files; keeps the K = `objects` detections with the highest scores per frame."""
    if objects < 1:
        raise FrameSelectError(f"--objects {objects}: must be at least 1")
    return FolderKind(SUFFIX, lambda file: _File(file).arrays(objects), axis="object")


class _File:
    def __init__(self, file: Path) -> None:
        self.file = file

    def fail(self, where: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{self.file}: {where}: {message}")

    def arrays(self, objects: int) -> VideoArrays:
        """Features [L, K, 84] float32 and, if the images have them, times [L].

        A detection's 84 numbers are its score at the index of its category (0 elsewhere), then the
        box: centre x, centre y, width and height, relative to the image. Detections are sorted by
        decreasing score, ties in file order; unused rows are zero.
        """
        content = read_json(self.file)
        if not isinstance(content, dict):
            expected = 'expected an object with "images" and "annotations"'
            self.fail("/", f"{expected}; a list of results lacks image sizes")
        images = self.items(content, "images")
        if not images:
            self.fail("images", "is empty; remove the video")
        rows: dict[object, int] = {}
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
            found[rows[key]].append(self.detection(where, annotation, sizes[rows[key]]))
        features = np.zeros((len(images), objects, SIZE), np.float32)
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

    def key(self, where: str, item: dict[str, Any], name: str) -> object:
        value = item.get(name)
        if not isinstance(value, (int, str)):
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
        """The score and the 84 numbers of one detection in an image of size (width, height)."""
        score = self.number(where, annotation, "score")
        category = annotation.get("category_id")
        if not isinstance(category, int) or category not in INDEX:
            self.fail(where, f"category_id {category!r} is not one of COCO's 80 (numbered 1 to 90)")
        box = annotation.get("bbox")
        if not isinstance(box, list) or len(box) != 4:
            self.fail(where, f"bbox is {box!r}; expected [x, y, width, height]")
        corner, extent = np.array([self.finite(where, "bbox", v) for v in box]).reshape(2, 2)
        values = np.zeros(SIZE, np.float32)
        values[INDEX[category]] = score
        values[-4:] = np.concatenate([(corner + extent / 2) / size, extent / size])
        return score, values
