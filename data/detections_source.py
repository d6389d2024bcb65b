"""Videos as detections in COCO's form, which become an object axis of 84 numbers each.

A file is {"images": [{"id", "width", "height", "time"}], "annotations": [{"image_id",
"category_id", "bbox": [x, y, width, height] in pixels from the top left, "score"}]}, as
https://cocodataset.org/#format-data and #format-results describe them together; "time" (seconds)
is ours and optional. One image is one frame, in the order listed.
"""

import json
import math
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from data.folder_kind import FolderKind, VideoArrays
from frame_select_env.errors import FrameSelectError

SUFFIX = ".json"
OBJECTS = 10
# COCO numbers 91 categories from 1, of which its detection data use these 80.
CATEGORIES = [n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
PLACE = {category: place for place, category in enumerate(CATEGORIES)}
SIZE = len(CATEGORIES) + 4


def detections_kind(objects: int = OBJECTS) -> FolderKind:
    """Files of detections, of which the `objects` (K) of the highest score are kept per frame.

    Raises:
        FrameSelectError: if K is less than 1.
    """
    if objects < 1:
        raise FrameSelectError(f"--objects {objects}: must be at least 1")
    return FolderKind(SUFFIX, partial(_read, objects=objects), axis="object")


def _read(file: Path, objects: int) -> VideoArrays:
    """Features [L, K, 84] float32 and, if the images have them, times [L].

    The 84 numbers of a detection are its score at the place of its category (0 elsewhere), and the
    box: centre x, centre y, width and height, relative to the image. Detections stand by falling
    score, equal ones in the order listed; rows without a detection are zero.
    """
    return _File(file).arrays(objects)


class _File:
    def __init__(self, file: Path) -> None:
        self.file = file

    def fail(self, place: str, message: str) -> NoReturn:
        raise FrameSelectError(f"{self.file}: {place}: {message}")

    def arrays(self, objects: int) -> VideoArrays:
        content = self.content()
        images = self.items(content, "images")
        if not images:
            self.fail("images", "there is none; remove the video")
        rows: dict[object, int] = {}
        sizes = np.empty((len(images), 2))
        times = []
        for row, image in enumerate(images):
            place = f"images[{row}]"
            key = self.key(place, image, "id")
            if key in rows:
                self.fail(place, f"id {key!r} stands twice")
            rows[key] = row
            sizes[row] = [self.number(place, image, name) for name in ("width", "height")]
            if sizes[row].min() <= 0:
                self.fail(place, "width and height must be above 0")
            if "time" in image:
                times.append(self.number(place, image, "time"))
        if len(times) not in (0, len(images)):
            self.fail(
                "images", f"{len(times)} of {len(images)} have a time; give it to all or none"
            )
        found: list[list[tuple[float, np.ndarray]]] = [[] for _ in images]
        for number, annotation in enumerate(self.items(content, "annotations")):
            place = f"annotations[{number}]"
            key = self.key(place, annotation, "image_id")
            if key not in rows:
                self.fail(place, f"image_id {key!r} is no image's id")
            score, values = self.detection(place, annotation, sizes[rows[key]])
            found[rows[key]].append((score, values))
        features = np.zeros((len(images), objects, SIZE), np.float32)
        for row, detections in enumerate(found):
            best = sorted(detections, key=lambda detection: -detection[0])[:objects]
            for rank, (_, values) in enumerate(best):
                features[row, rank] = values
        return VideoArrays(features, np.array(times, np.float32) if times else None)

    def content(self) -> dict[str, Any]:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise FrameSelectError(f"{self.file}: cannot be read as JSON: {error}") from None
        if not isinstance(content, dict):
            self.fail("/", 'is no object with "images" and "annotations"; results alone lack sizes')
        return content

    def items(self, content: dict[str, Any], name: str) -> list[dict[str, Any]]:
        values = content.get(name)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.fail(name, "is missing or no list of objects")
        return values

    def key(self, place: str, item: dict[str, Any], name: str) -> object:
        value = item.get(name)
        if not isinstance(value, (int, str)):
            self.fail(place, f"{name} is {value!r}; expected a number or string")
        return value

    def number(self, place: str, item: dict[str, Any], name: str) -> float:
        if name not in item:
            self.fail(place, f"has no {name}")
        return self.finite(place, name, item[name])

    def finite(self, place: str, name: str, value: object) -> float:
        number = math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with suppress(OverflowError):  # JSON's whole numbers have any number of digits
                number = float(value)
        if not math.isfinite(number):
            self.fail(place, f"{name} is {repr(value)[:40]}; expected a finite number")
        return number

    def detection(
        self, place: str, annotation: dict[str, Any], size: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Score and the 84 numbers of one detection on an image of size (width, height)."""
        score = self.number(place, annotation, "score")
        category = annotation.get("category_id")
        if not isinstance(category, int) or category not in PLACE:
            self.fail(place, f"category_id {category!r} is none of COCO's 80 (numbers 1 to 90)")
        box = annotation.get("bbox")
        if not isinstance(box, list) or len(box) != 4:
            self.fail(place, f"bbox is {box!r}; expected [x, y, width, height]")
        corner, extent = np.array([self.finite(place, "bbox", v) for v in box]).reshape(2, 2)
        values = np.zeros(SIZE, np.float32)
        values[PLACE[category]] = score
        values[-4:] = np.concatenate([(corner + extent / 2) / size, extent / size])
        return score, values
