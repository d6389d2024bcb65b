"""Detections in COCO's form as an object axis: the 84 numbers, the K best, and what is refused."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.__main__ import main
from data.sources.categories import COCO
from data.sources.detections import detections_kind
from frame_select_env import FeatureCache, FrameSelectError

VIDEOS = [f"{name}/{name}{number}" for name in ("kitchen", "street") for number in range(6)]


def image(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "width": 200, "height": 100, **changes}


def detection(number: int, score: float = 0.5, **changes: Any) -> dict[str, Any]:
    box = [20, 10, 40, 50]
    return {"image_id": number, "category_id": 1, "bbox": box, "score": score, **changes}


def write(file: Path, images: Any, annotations: Any, **more: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, **more}))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve videos of 4 frames, frame f with f detections of the class' own category."""
    lines = ["video,split"]
    for video in VIDEOS:
        category = 90 if video.startswith("street") else 1
        write(
            tmp_path / "boxes" / f"{video}.json",
            [image(10 + frame, time=frame / 2) for frame in range(4)],
            [
                detection(10 + frame, score=0.2 * (rank + 1), category_id=category)
                for frame in range(4)
                for rank in range(frame)
            ],
        )
        lines.append(f"{video},{'test' if video[-1] in '45' else 'train'}")
    (tmp_path / "splits.csv").write_text("\n".join(lines))
    return tmp_path / "boxes"


def imported(folder: Path, *options: str) -> FeatureCache:
    out = folder.parent / "out.h5"
    splits = str(folder.parent / "splits.csv")
    main(["import", str(folder), str(out), "--split-file", splits, "--overwrite", *options])
    return FeatureCache(out)


def test_from_json_to_cache(folder: Path) -> None:
    cache = imported(folder, "--objects", "2")
    assert cache.features().shape == (48, 2, 84)
    assert cache.features_extent().axes == "object"
    assert cache.predictions().shape == (48, 2)
    assert cache.provenance["objects"] == 2
    last = cache.features()[cache.start[6] + 3]
    expected = np.zeros((2, 84))
    expected[:, 79] = [0.6, 0.4]
    expected[:, 80:] = [40 / 200, 35 / 100, 40 / 200, 50 / 100]
    np.testing.assert_allclose(last, expected, rtol=1e-6)
    assert not cache.features()[cache.start[6]].any()
    clips = cache.read(np.array([6]), num_frames=4)
    assert clips.time[0].tolist() == [0, 0.5, 1, 1.5]
    test = cache.rows("test")
    consensus = cache.read_predictions(test, 4).mean(axis=1)
    assert (consensus.argmax(axis=1) == cache.labels[test]).all()


@pytest.mark.parametrize("name", ["OneShot", "Sequential", "Pick"])
def test_environments_step_on_detections(folder: Path, name: str) -> None:
    cache = imported(folder)
    env = gym.make(f"FrameSelect/{name}-v0", data=str(cache.path), num_frames=4)
    observation, _ = env.reset(seed=0, options={"video": 0})
    assert observation["features"].shape == (4, 840)
    np.testing.assert_array_equal(observation["features"], cache.features()[:4].reshape(4, 840))
    env.step(env.action_space.sample())


def test_the_80_categories() -> None:
    """Spot checks of COCO's own numbering: person, bicycle, dog, dining table, toothbrush."""
    assert len(COCO) == 80
    known = {1: 0, 2: 1, 18: 16, 67: 60, 90: 79}
    assert {category: COCO.index(category) for category in known} == known


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=12), st.integers(1, 4))
def test_the_highest_scores_stand_first(
    tmp_path_factory: Any, found: list[tuple[int, int]], objects: int
) -> None:
    annotations = [detection(frame, score=1 + score) for frame, score in found]
    file = write(
        tmp_path_factory.mktemp("boxes") / "a.json", [image(n) for n in range(3)], annotations
    )
    features = detections_kind(objects).read(file).features
    assert features.shape == (3, objects, 84)
    for frame in range(3):
        scores = sorted((1 + s for f, s in found if f == frame), reverse=True)[:objects]
        assert features[frame, :, 0].tolist() == scores + [0] * (objects - len(scores))


def test_equal_scores_keep_their_order_and_no_times_are_made_up(tmp_path: Path) -> None:
    boxes = [[x, 0, 20, 20] for x in (0, 100, 50)]
    file = write(tmp_path / "a.json", [image(0)], [detection(0, bbox=box) for box in boxes])
    video = detections_kind(2).read(file)
    assert video.time is None
    np.testing.assert_allclose(video.features[0, :, 80], [10 / 200, 110 / 200])


REFUSED: dict[str, tuple[Any, list[str]]] = {
    "a list": ([], ["expected an object", '"images"']),
    "no images": ({"annotations": []}, ["images", "is missing"]),
    "no image": ({"images": [], "annotations": []}, ["images", "is empty"]),
    "no annotations": ({"images": [image(0)]}, ["annotations", "is missing"]),
    "numbers": ({"images": [1], "annotations": []}, ["images", "list of objects"]),
    "an id twice": ({"images": [image(0), image(0)]}, ["images[1]", "id 0", "is duplicated"]),
    "no id": ({"images": [{"width": 1}]}, ["images[0]", "id is None"]),
    "no width": ({"images": [{"id": 1}]}, ["images[0]", "has no width"]),
    "no size": ({"images": [image(0, height=0)]}, ["images[0]", "must be positive"]),
    "a time": ({"images": [image(0, time=1), image(1)]}, ["images", "1 of 2 have a time"]),
    "time in words": ({"images": [image(0, time="1 s")]}, ["images[0]", "time is '1 s'"]),
} | {
    name: ({"images": [image(0)], "annotations": [wrong]}, ["annotations[0]", *words])
    for name, wrong, words in [
        ("an unknown image", detection(7), ["image_id 7"]),
        ("no category", detection(0, category_id=None), ["category_id is None"]),
        ("a half category", detection(0, category_id=0.5), ["category_id is 0.5"]),
        ("three numbers", detection(0, bbox=[1, 2, 3]), ["bbox is [1, 2, 3]"]),
        ("a box of words", detection(0, bbox=["a", 0, 1, 1]), ["bbox is 'a'"]),
        ("no number", detection(0, bbox=[float("nan"), 0, 1, 1]), ["bbox is nan"]),
        ("no score", {"image_id": 0, "category_id": 1, "bbox": [0, 0, 1, 1]}, ["has no score"]),
        ("a huge score", detection(0, 10**400), ["score is 1000", "finite number"]),
        ("an infinite score", detection(0, float("inf")), ["score is inf"]),
    ]
}


REFUSED |= {
    name: ({"images": [image(0)], "annotations": [], "categories": wrong}, words)
    for name, wrong, words in [
        ("categories in words", "cat", ["categories", "list of objects"]),
        ("a category without id", [{"name": "cat"}], ["categories[0]", "id is None"]),
        ("a category twice", [{"id": 1}, {"id": 1}], ["categories[1]", "id 1", "duplicated"]),
        ("a number as a name", [{"id": 1, "name": 2}], ["categories[0]", "name is 2"]),
    ]
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, content: Any, words: list[str]) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(content))
    with pytest.raises(FrameSelectError) as error:
        detections_kind().read(file)
    for word in [str(file), *words]:
        assert word in str(error.value)


def recategorised(folder: Path, change: Any) -> None:
    """Change every file's content by its number, in the order of VIDEOS."""
    for number, video in enumerate(VIDEOS):
        file = folder / f"{video}.json"
        content = json.loads(file.read_text())
        change(number, content)
        file.write_text(json.dumps(content))


def test_any_categories_stand_in_the_order_of_their_ids(folder: Path) -> None:
    """The union of what files list and use; some files list other categories, or none."""

    def change(number: int, content: dict[str, Any]) -> None:
        street = VIDEOS[number].startswith("street")
        for annotation in content["annotations"]:
            annotation["category_id"] = "z" if street else 700
        if number == 0:
            content["categories"] = [{"id": 700, "name": "pan"}, {"id": 12, "name": "unseen"}]
        if number == 11:
            content["categories"] = [{"id": "z", "name": "car"}, {"id": "a"}]

    recategorised(folder, change)
    cache = imported(folder, "--objects", "1")
    assert cache.provenance["categories"] == ["unseen", "pan", "a", "car"]
    assert cache.features().shape == (48, 1, 4 + 4)
    kitchen, street = (cache.features()[cache.start[row] + 3, 0, :4] for row in (2, 7))
    np.testing.assert_allclose(kitchen, [0, 0.6, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(street, [0, 0, 0, 0.6], rtol=1e-6)


def test_a_name_is_one_category_whatever_its_id(folder: Path) -> None:
    def change(number: int, content: dict[str, Any]) -> None:
        swapped = number % 2
        names = ["car", "pan"] if swapped else ["pan", "car"]
        content["categories"] = [{"id": n + 5, "name": name} for n, name in enumerate(names)]
        street = VIDEOS[number].startswith("street")
        for annotation in content["annotations"]:
            annotation["category_id"] = 5 + (street != swapped)

    recategorised(folder, change)
    cache = imported(folder, "--objects", "1")
    assert cache.provenance["categories"] == ["car", "pan"]
    for row in range(12):
        found = cache.features()[cache.start[row] + 3, 0, :2]
        np.testing.assert_allclose(found, [0, 0.6] if row < 6 else [0.6, 0], rtol=1e-6)


def test_ids_that_no_file_lists_are_cocos_or_those_that_are_used(folder: Path) -> None:
    cache = imported(folder)
    assert cache.provenance["categories"] == [str(number) for number in COCO]

    def change(number: int, content: dict[str, Any]) -> None:
        for annotation in content["annotations"]:
            annotation["category_id"] = 12 if annotation["category_id"] == 90 else 3

    recategorised(folder, change)
    cache = imported(folder)
    assert cache.provenance["categories"] == ["3", "12"]
    assert cache.features().shape == (48, 10, 2 + 4)


def test_an_id_of_two_names_needs_one_in_every_file(folder: Path, failure, tmp_path: Path) -> None:
    def change(number: int, content: dict[str, Any]) -> None:
        if number in (0, 1):
            content["categories"] = [{"id": 1, "name": f"name{number}"}]

    recategorised(folder, change)
    splits = ("--split-file", tmp_path / "splits.csv")
    line = failure("import", folder, tmp_path / "out.h5", *splits)
    assert "kitchen2.json: category 1 has no name here, and is 'name0' in kitchen0.json" in line
    assert "'name1' in kitchen1.json" in line and '"categories"' in line
    assert not (tmp_path / "out.h5").exists()


def test_files_and_flags_that_are_refused(folder: Path, failure, tmp_path: Path) -> None:
    out, splits = tmp_path / "out.h5", tmp_path / "splits.csv"

    def line(*options: str) -> str:
        return failure("import", folder, out, "--split-file", splits, *options)

    assert "--objects 0: must be at least 1" in line("--objects", "0")
    assert "--columns needs a folder of .csv files" in line("--columns", "au")
    bad = write(folder / "street" / "street1.json", [image(0)], [])
    text = line()
    assert f"{bad}: has no time, but kitchen/kitchen0.json does" in text
    bad.write_text("{")
    assert "street1.json: cannot be read as JSON" in line()
    bad.write_text("[" * 100_000)
    assert "street1.json: cannot be read as JSON" in line()
    assert not out.exists()
