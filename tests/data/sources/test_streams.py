"""Several folders as streams of one cache, through the command line."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from data.__main__ import main
from frame_select_env import FeatureCache

VIDEOS = [f"{name}/{name}.{number}" for name in ("run", "sit") for number in range(6)]
MOMENTS = 4  # frames at 10 a second


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    lines = [f"{video},{'test' if video[-1] in '45' else 'train'}" for video in VIDEOS]
    (tmp_path / "splits.csv").write_text("\n".join(["video,split", *lines]))
    return tmp_path / "splits.csv"


def arrays(folder: Path, length: int = MOMENTS, shape: tuple[int, ...] = (3,)) -> Path:
    """A folder of .npy whose value is the frame's number, plus 100 times the video's."""
    for number, video in enumerate(VIDEOS):
        file = folder / f"{video}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        values = np.arange(length, dtype=np.float32) + 100 * number
        np.save(file, np.broadcast_to(values.reshape(-1, *[1] * len(shape)), (length, *shape)))
    return folder


def faces(folder: Path, length: int = 3 * MOMENTS, rate: float = 30) -> Path:
    """A folder of OpenFace's .csv; AU01_r is the frame's number."""
    for video in VIDEOS:
        file = folder / f"{video}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{n + 1}, {n / rate:.3f}, 1, {n}" for n in range(length)]
        file.write_text("\n".join(["frame, timestamp, confidence, AU01_r", *rows]))
    return folder


def boxes(folder: Path, length: int = MOMENTS, rate: float = 10) -> Path:
    """A folder of detections; every frame has a box, of category 7."""
    for video in VIDEOS:
        file = folder / f"{video}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        size = {"width": 100, "height": 100}
        images = [{"id": n, **size, "time": n / rate} for n in range(length)]
        box = {"category_id": 7, "bbox": [0, 0, 10, 10], "score": 1}
        found = [{"image_id": n, **box} for n in range(length)]
        categories = [{"id": 7, "name": "ball"}]
        content = {"images": images, "annotations": found, "categories": categories}
        file.write_text(json.dumps(content))
    return folder


def imported(tmp_path: Path, *arguments: str | Path) -> FeatureCache:
    out = tmp_path / "out.h5"
    splits = ("--split-file", tmp_path / "splits.csv")
    main(["import", *map(str, arguments), str(out), *map(str, splits)])
    return FeatureCache(out)


def test_kinds_and_rates_may_differ(splits: Path, tmp_path: Path, capsys) -> None:
    action, face, seen = (tmp_path / name for name in ("action", "face", "seen"))
    arrays(action), faces(face), boxes(seen)
    named = (f"action={action}", f"face={face}", f"objects={seen}")
    cache = imported(tmp_path, *named, "--objects", "2")
    assert cache.streams == ("action", "face", "objects")
    assert cache.ids.tolist() == VIDEOS and set(cache.lengths) == {MOMENTS}
    assert cache.classes == ("run", "sit") and len(cache.rows("test")) == 4
    numbers = np.tile(np.arange(MOMENTS), len(VIDEOS))
    assert cache.features("action")[:, 0].tolist() == [
        number + 100 * (place // MOMENTS) for place, number in enumerate(numbers)
    ]
    assert cache.features("face")[:, 0].tolist() == (3 * numbers).tolist()
    assert cache.features("objects").shape == (len(VIDEOS) * MOMENTS, 2, 1 + 4)
    assert cache.features_extent("objects").axes == "object"
    np.testing.assert_allclose(
        cache.read(np.array([5]), MOMENTS, stream="face").time[0], np.arange(4) / 10
    )
    assert cache.provenance["source"] == {"action": "action", "face": "face", "objects": "seen"}
    assert cache.provenance["categories"] == {"objects": ["ball"]}
    assert set(cache.provenance["head"]["default"]) == {"action", "face", "objects"}
    shown = " ".join(capsys.readouterr().err.split())
    assert "stream face: 48 of 144 frames are used" in shown
    env = gym.make("FrameSelect/Pick-v0", data=str(cache.path), stream="action+face", num_frames=4)
    observation, _ = env.reset(seed=0)
    assert observation["features"].shape == (4, 3 + 1)


def test_sources_may_stand_between_options(splits: Path, tmp_path: Path) -> None:
    named = [f"{name}={arrays(tmp_path / name)}" for name in "ab"]
    given = [named[0], "--crossfit=none", named[1], "--head-frames", "2"]
    cache = imported(tmp_path, *given)
    assert cache.streams == ("a", "b")
    assert cache.provenance["crossfit"] == "none" and cache.provenance["head_frames"] == 2


def test_a_single_folder_may_be_named(splits: Path, tmp_path: Path) -> None:
    cache = imported(tmp_path, f"action={arrays(tmp_path / 'a')}")
    assert cache.streams == ("action",) and cache.frame_datasets == ()


def test_an_existing_path_is_no_name(splits: Path, tmp_path: Path) -> None:
    assert imported(tmp_path, arrays(tmp_path / "a=b")).streams == ("main",)


def test_axes_by_stream(splits: Path, tmp_path: Path, failure) -> None:
    rgb, flat = arrays(tmp_path / "rgb", shape=(2, 3)), arrays(tmp_path / "flat")
    seen = boxes(tmp_path / "seen")
    named = (f"rgb={rgb}", f"flat={flat}", f"seen={seen}")
    cache = imported(tmp_path, *named, "--axis", "rgb=view")
    axes = [cache.features_extent(s).axes for s in ("rgb", "flat", "seen")]
    assert axes == ["view", "", "object"]
    assert cache.predictions("rgb").shape == (len(VIDEOS) * MOMENTS, 2, 2)
    cache.path.unlink()

    def line(axis: str) -> str:
        return failure("import", *named, tmp_path / "out.h5", "--axis", axis)

    assert "expected numbers [L, V, D]" in line("view")
    assert "--axis: unknown stream 'seen'; known: flat, rgb" in line("seen=object")
    assert "--axis rgb=views: expected view or object" in line("rgb=views")
    assert "--axis rgb=view,rgb=view: rgb is duplicated" in line("rgb=view,rgb=view")
    assert not (tmp_path / "out.h5").exists()


def test_what_does_not_fit_together(splits: Path, tmp_path: Path, failure) -> None:
    a, b, out = arrays(tmp_path / "a"), arrays(tmp_path / "b"), tmp_path / "out.h5"

    def line(*arguments: str | Path) -> str:
        return failure("import", *arguments, "--split-file", splits)

    np.save(b / "run" / "run.3.npy", np.zeros((5, 3)))
    text = line(f"a={a}", f"b={b}", out)
    assert f"a={a} b={b}: video 'run/run.3': stream b has 5 frames and a has 4" in text
    assert "extract the same frames" in text
    (b / "run" / "run.3.npy").unlink()
    expected = f"{b}: stream b lacks the video 'run/run.3', which stream a has"
    assert expected in line(f"a={a}", f"b={b}", out)
    assert expected in line(f"b={b}", f"a={a}", out)
    np.save(b / "run" / "run.3.npy", np.full((4, 3), np.nan))
    assert "features.b: video 'run/run.3'" in line(f"a={a}", f"b={b}", out)
    assert f"{b}: expected STREAM=FOLDER" in line(f"a={a}", b, out)
    assert "the stream name 'a' is duplicated" in line(f"a={a}", f"a={b}", out)
    assert "no such folder (stream c)" in line(f"a={a}", f"c={tmp_path / 'none'}", out)
    assert "only folders can be named" in line(f"a={a}", f"c={splits}", out)
    scores = ("--predictions", a)
    assert "--predictions needs a single FOLDER" in line(f"a={a}", f"b={b}", out, *scores)
    columns = ("--columns", "au")
    text = line(f"a={a}", f"b={b}", out, *columns)
    assert f"--columns needs a folder of .csv files; {a} contains .npy files, {b}" in text
    short = faces(tmp_path / "face", length=4, rate=30)
    text = line(f"face={short}", f"seen={boxes(tmp_path / 'seen')}", out)
    assert "video 'run/run.0': frame 3 of stream seen (0.300 s)" in text
    assert "seen: 4 frames, 0.000 to 0.300 s, face: 4 frames, 0.000 to 0.100 s" in text
    assert not out.exists()
