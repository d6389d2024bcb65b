"""A folder of class folders: reading it, ready-made predictions, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from data.__main__ import main
from data.sources.folders import read_folder
from frame_select_env import FeatureCache

VIDEOS = {f"{name}/{name}.{number}": 2 + number for name in ("run", "sit") for number in range(6)}


def write_csv(path: Path, lines: dict[str, str], header: str = "video,split") -> Path:
    path.write_text("\n".join([header, *(f"{video},{rest}" for video, rest in lines.items())]))
    return path


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """A CSV: of each class the last two videos test, the others train."""
    lines = {v: "test" if v[-1] in "45" else "train" for v in VIDEOS}
    return write_csv(tmp_path / "splits.csv", lines)


def test_from_folder_to_cache(tree, splits: Path, tmp_path: Path) -> None:
    folder = tree(VIDEOS)
    main(["import", str(folder), str(tmp_path / "out.h5"), "--split-file", str(splits)])
    cache = FeatureCache(tmp_path / "out.h5")
    assert cache.classes == ("run", "sit")
    assert cache.ids.tolist() == sorted(VIDEOS)
    assert cache.lengths.tolist() == [VIDEOS[video] for video in sorted(VIDEOS)]
    assert cache.labels.tolist() == [0] * 6 + [1] * 6
    assert len(cache.rows("test")) == 4
    for row, video in enumerate(cache.ids):
        expected = np.load(folder / f"{video}.npy")
        first, last = cache.start[row], cache.start[row + 1]
        np.testing.assert_array_equal(cache.features()[first:last], expected)
    assert cache.provenance["source"] == "folder"
    assert cache.provenance["split_file"] == "splits.csv"


def test_frames_stay_on_disk_until_they_are_read(tree, splits: Path) -> None:
    source = read_folder(tree(VIDEOS), str(splits))
    assert isinstance(source.features["main"](0), np.memmap)


@pytest.mark.parametrize("logits", [False, True])
def test_ready_made_predictions(tree, splits: Path, tmp_path: Path, logits: bool) -> None:
    folder, scores = tree(VIDEOS), tree(VIDEOS, name="scores", columns=2)
    if not logits:
        for file in scores.rglob("*.npy"):
            values = np.exp(np.load(file))
            np.save(file, values / values.sum(axis=1, keepdims=True))
    out = tmp_path / "out.h5"
    options = ["--split-file", str(splits), "--predictions", str(scores)]
    main(["import", str(folder), str(out), *options, *(["--logits"] if logits else [])])
    cache = FeatureCache(out)
    given = np.concatenate([np.load(scores / f"{video}.npy") for video in cache.ids])
    if logits:
        given = np.exp(given) / np.exp(given).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cache.predictions(), given, atol=1e-6)


def test_predictions_that_do_not_fit(tree, splits: Path, failure, tmp_path: Path) -> None:
    folder, out = tree(VIDEOS), tmp_path / "out.h5"

    def line(scores: Path) -> str:
        return failure("import", folder, out, "--split-file", splits, "--predictions", scores)

    assert "no such folder" in line(tmp_path / "absent")
    wide = tree(VIDEOS, name="wide", columns=3)
    assert "run.0.npy: has shape (2, 3); expected (2, 2)" in line(wide)
    short = tree(VIDEOS | {"sit/sit.3": 1}, name="short", columns=2)
    assert "sit.3.npy: has shape (1, 2); expected (5, 2)" in line(short)
    fewer = tree({v: n for v, n in VIDEOS.items() if v != "sit/sit.5"}, name="fewer", columns=2)
    assert "fewer/sit/sit.5.npy: is missing" in line(fewer)
    unnormalised = tree(VIDEOS, name="logits", columns=2)
    assert "'run/run.0'" in (text := line(unnormalised)) and "--logits" in text
    assert not out.exists()


def test_bad_arrays_are_named(tree, splits: Path, failure, tmp_path: Path) -> None:
    folder, out = tree(VIDEOS), tmp_path / "out.h5"
    bad = folder / "sit" / "sit.2.npy"
    whole = bad.read_bytes()

    def line() -> str:
        return failure("import", folder, out, "--split-file", splits)

    for array, word in [
        (np.ones((4, 7)), "has 7 columns"),
        (np.ones(4), "expected numbers [L, D]"),
        (np.ones((0, 4)), "expected numbers [L, D]"),
        (np.array([["a"] * 4]), "expected numbers [L, D]"),
        (np.full((4, 4), np.nan, np.float32), "nan"),
        (np.array([[{}] * 4], dtype=object), "Python objects"),
    ]:
        np.save(bad, array, allow_pickle=True)
        text = line()
        assert "sit.2" in text and word in text
    bad.write_bytes(whole[:-8])
    assert "sit.2.npy: cannot be read" in line()
    bad.write_bytes(b"")
    assert "sit.2.npy: cannot be read" in line()
    assert not out.exists()


def test_folders_without_what_is_needed(tree, splits: Path, failure, tmp_path: Path) -> None:
    out, empty = tmp_path / "out.h5", tmp_path / "empty"
    empty.mkdir()
    assert "no .npy" in failure("import", empty, out, "--split-file", splits)
    absent = tmp_path / "absent.csv"
    assert "absent.csv: no such split file" in failure(
        "import", tree(VIDEOS), out, "--split-file", absent
    )
    mixed = tree({"alone": 3, "run/b": 3}, name="mixed")
    csv = write_csv(tmp_path / "mixed.csv", {"alone": "train"})
    assert "alone: is not in a class folder" in failure("import", mixed, out, "--split-file", csv)


@pytest.mark.parametrize("axis", ["", "view"])
def test_without_class_folders_every_frame_is_of_one_class(tree, tmp_path: Path, capsys, axis):
    folder, out = tree({f"clip{number}": 3 + number for number in range(6)}), tmp_path / "out.h5"
    for file in folder.glob("*.npy") if axis else ():
        np.save(file, np.repeat(np.load(file)[:, None], 2, axis=1))
    main(["import", str(folder), str(out), *(["--axis", axis] if axis else [])])
    shown = capsys.readouterr()
    assert "note: 6 videos, no class folders: labels unknown" in shown.err
    assert "labels unknown; 4 train, 2 test" in shown.out and "warning" not in shown.err
    cache = FeatureCache(out)
    assert cache.classes == ("video",) and set(cache.labels) == {-1} and not cache.has_labels
    assert (cache.predictions() == 1).all() and cache.head() is None
    assert cache.predictions().shape == ((33, 2, 1) if axis else (33, 1))
    main(["inspect", str(out), "--full"])
    assert "6 in all, 4 train, 2 test" in capsys.readouterr().out


def test_a_class_that_only_tests_is_named(tree, failure, tmp_path: Path) -> None:
    lines = {video: "test" if video.startswith("sit") else "train" for video in VIDEOS}
    csv = write_csv(tmp_path / "splits.csv", lines)
    line = failure("import", tree(VIDEOS), tmp_path / "out.h5", "--split-file", csv)
    assert "'sit'" in line and "no training video" in line


def test_absent_videos_are_counted(tree, failure, tmp_path: Path) -> None:
    lines = {"run/x": "train", **{video: "train" for video in VIDEOS}, "sit/y": "test"}
    csv = write_csv(tmp_path / "splits.csv", lines)
    line = failure("import", tree(VIDEOS), tmp_path / "out.h5", "--split-file", csv)
    assert "splits.csv: line 2: video 'run/x' has no file in" in line
    assert "(and 1 more)" in line and "CSV" in line


def test_a_folder_alone_is_split_by_the_seed(tree, tmp_path: Path) -> None:
    folder = tree(VIDEOS)
    splits = {}
    for seed in ("0", "0", "1"):
        main(["import", str(folder), str(tmp_path / "out.h5"), "--seed", seed, "--overwrite"])
        cache = FeatureCache(tmp_path / "out.h5")
        drawn = tuple(cache.rows("test").tolist())
        assert len(drawn) == 4
        assert splits.setdefault(seed, drawn) == drawn
    assert splits["0"] != splits["1"]


def test_targets_of_a_csv_are_regression(tree, tmp_path: Path) -> None:
    folder = tree({f"v{number}": 3 for number in range(9)})
    rows = {f"v{n}": f"{'test' if n > 5 else 'train'},{n / 9},{-n}" for n in range(8)}
    csv = write_csv(tmp_path / "s.csv", rows, "video,split,target.joy,target.fear")
    main(["import", str(folder), str(tmp_path / "out.h5"), "--split-file", str(csv)])
    cache = FeatureCache(tmp_path / "out.h5")
    assert cache.task == "regression" and cache.classes == ("joy", "fear")
    assert cache.labels[:8, 1].tolist() == [-float(n) for n in range(8)]
    assert len(cache.rows("train")) == 6 and len(cache.rows("test")) == 2


@pytest.mark.parametrize(("axis", "predicted"), [("view", (3, 2)), ("object", (2,))])
def test_arrays_with_a_middle_axis(
    tree, splits: Path, tmp_path: Path, axis: str, predicted: tuple[int, ...]
) -> None:
    folder = tree(VIDEOS)
    for file in folder.rglob("*.npy"):
        flat = np.load(file)
        np.save(file, np.stack([flat, flat + 1, -flat], axis=1))
    out = tmp_path / "out.h5"
    options = ["--split-file", str(splits), "--axis", axis]
    main(["import", str(folder), str(out), *options])
    cache = FeatureCache(out)
    assert cache.features_extent().axes == axis
    assert cache.predictions().shape[1:] == predicted
    expected = np.concatenate([np.load(folder / f"{video}.npy") for video in cache.ids])
    np.testing.assert_array_equal(cache.features(), expected)


def test_ready_made_predictions_of_views(tree, splits: Path, failure, tmp_path: Path) -> None:
    folder, scores = tree(VIDEOS), tree(VIDEOS, name="scores", columns=2)
    for file in folder.rglob("*.npy"):
        np.save(file, np.repeat(np.load(file)[:, None], 3, axis=1))
    for file in scores.rglob("*.npy"):
        np.save(file, np.repeat(np.load(file)[:, None], 3, axis=1))
    out = tmp_path / "out.h5"
    options = ["--split-file", str(splits), "--axis", "view", "--predictions", str(scores)]
    main(["import", str(folder), str(out), *options, "--logits"])
    given = np.concatenate([np.load(scores / f"{v}.npy") for v in FeatureCache(out).ids])
    given = np.exp(given) / np.exp(given).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(FeatureCache(out).predictions(), given, atol=1e-6)
    np.save(scores / "run" / "run.0.npy", np.ones((2, 2, 2)))
    line = failure("import", folder, tmp_path / "other.h5", *options)
    assert "run.0.npy: has shape (2, 2, 2); expected (2, 2) or (2, 3, 2)" in line


def test_axes_that_do_not_fit(tree, splits: Path, failure, tmp_path: Path) -> None:
    folder, out = tree(VIDEOS), tmp_path / "out.h5"
    line = failure("import", folder, out, "--split-file", splits, "--axis", "view")
    assert "run.0.npy" in line and "expected numbers [L, V, D]" in line
    np.save(folder / "run" / "run.0.npy", np.ones((2, 3, 4)))
    line = failure("import", folder, out, "--split-file", splits)
    assert "run.0.npy" in line and "use --axis view or object for 3 axes" in line
    for file in folder.rglob("*.npy"):
        np.save(file, np.ones((4, 2 + ("5" in file.name), 4)))
    line = failure("import", folder, out, "--split-file", splits, "--axis", "object")
    assert "run.5.npy: has 3 x 4 columns; run/run.0.npy has 2 x 4" in line


def test_a_split_file_inside_the_folder_is_no_video(tree, tmp_path: Path) -> None:
    folder = tree(VIDEOS)
    lines = {v: "test" if v[-1] in "45" else "train" for v in VIDEOS}
    csv = write_csv(folder / "splits.csv", lines)
    main(["import", str(folder), str(tmp_path / "out.h5"), "--split-file", str(csv)])
    assert len(FeatureCache(tmp_path / "out.h5")) == len(VIDEOS)


def test_numbers_too_large_for_how_the_others_are_stored(tree, failure, tmp_path: Path) -> None:
    folder = tree({f"{name}/{number}": 3 for name in "ab" for number in range(4)})
    for file in folder.rglob("*.npy"):
        np.save(file, np.load(file).astype(np.float16))
    np.save(folder / "b" / "3.npy", np.full((3, 4), 1e6, np.float32))
    (tmp_path / "split.csv").write_text(
        "video,split\n" + "".join(f"{name}/{n},train\n" for name in "ab" for n in range(4))
    )
    line = failure("import", folder, tmp_path / "out.h5", "--split-file", tmp_path / "split.csv")
    assert "video 'b/3' has values too large for float16" in line
