"""python -m data extract, through its command line: what it writes, skips, refuses and resumes."""

import csv
import os
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from cache_arrays import assert_same_arrays
from processes import run_module
from safetensors.torch import save_file
from shape_videos import CLASSES, RATE, numbered_pictures, write_shape_videos, write_video

from agents.__main__ import main as agents
from data.__main__ import main
from data.backbones.torchvision_import import import_torchvision
from data.extraction.pipeline import extract as extract_function
from data.extraction.shards import shards_folder
from frame_select_env import open_cache

GREY = ("--backbone", "own_backbones:grey@size=16")
SMALL = (*GREY, "--num-frames", "6", "--thumbnail", "8")
SHARED = str(Path(__file__).parents[2] / "shared")
extract_module = sys.modules[extract_function.__module__]
CLICK = np.zeros(RATE, np.float32)


@pytest.fixture(autouse=True)
def own_backbones_everywhere(monkeypatch):
    """Processes that are begun here find the user's own module too."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SHARED, os.environ.get("PYTHONPATH", "")]))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """21 videos, H.264 and AAC."""
    return write_shape_videos(tmp_path_factory.mktemp("videos") / "shapes", videos=21)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return write_shape_videos(tmp_path_factory.mktemp("few") / "few", videos=9, stretches=2)


def extract(*arguments):
    main(["extract", *map(str, arguments)])


def refused(capsys, *arguments):
    """The one line of an extraction that ends with 2."""
    with pytest.raises(SystemExit) as exit_:
        extract(*arguments)
    assert exit_.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "backbone", ["resnet18@size=32", "swin3d_t@size=32,clip_frames=4,clip_fps=6"]
)
def test_from_videos_to_an_agent_by_command_lines_alone(shapes, tmp_path, capsys, backbone):
    cache = tmp_path / "shapes.h5"
    extract(shapes, cache, "--backbone", backbone, "--weights", "none", "--num-frames", 8)
    made = open_cache(cache)
    assert len(made) == 21 and made.classes == tuple(sorted(CLASSES))
    assert not shards_folder(cache).exists()
    run = tmp_path / "run"
    train = ("--data", cache, "--agent", "reinforce", "--out", run, "--num-frames", 8)
    agents(["train", *map(str, train), "--epochs", "2", "--target-frames", "2"])
    agents(["evaluate", str(run), "--data", str(cache), "--frames", "2", "4"])
    with (run / "evaluation.csv").open() as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    for ranking in ("all", "reinforce"):
        assert 0 <= float(rows[ranking, "all" if ranking == "all" else "chosen"]["accuracy"]) <= 1
    assert (run / "strips.png").stat().st_size > 1000
    assert "reinforce" in capsys.readouterr().out


def test_what_cannot_be_used_is_told_and_the_rest_goes_on(few, tmp_path, capsys):
    videos = tmp_path / "with spaces and ümläuts 視頻"
    shutil.copytree(few, videos)
    (videos / "bar" / "text.mp4").write_text("no video")
    write_video(videos / "bar" / "sound.mp4", numbered_pictures(0), sound=CLICK, pictures_too=False)
    whole = (videos / "bar" / "02.mp4").read_bytes()
    (videos / "bar" / "half.mp4").write_bytes(whole[: len(whole) // 2])
    shutil.copy(videos / "bar" / "02.mp4", videos / "bar" / "02.mov")
    split_file = tmp_path / "split.csv"
    names = [f.relative_to(videos).as_posix() for f in sorted(videos.rglob("*.mp4"))]
    rows = [f"{name},{'test' if name[-5] in '678' else 'train'}" for name in names]
    split_file.write_text("\n".join(["video,split", *rows, "bar/gone.mp4,train"]), encoding="utf-8")
    out = tmp_path / "out.h5"
    extract(videos, out, *SMALL, "--split-file", split_file)
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    for words in (
        "text.mp4: cannot be decoded",
        "sound.mp4: has no video track, only sound",
        "half.mp4: cannot be decoded",
        "02.mp4: has the same id as 02.mov",
        "'bar/gone.mp4' has no file",
        "5 videos",
    ):
        assert words in shown, words
    cache = open_cache(out)
    assert len(cache) == 9
    assert cache.provenance["skipped"] == ["bar/half", "bar/sound", "bar/text"]


@pytest.mark.parametrize("fault", ["broken", "absent", "twice"])
def test_strict_stops_at_the_first(few, tmp_path, capsys, fault):
    videos = tmp_path / "videos"
    shutil.copytree(few, videos)
    more = ()
    if fault == "broken":
        (videos / "bar" / "a.mp4").write_text("no video")
    elif fault == "absent":
        (tmp_path / "split.csv").write_text("video,split\ndisc/00,train\ndisc/gone,test\n")
        more = ("--split-file", tmp_path / "split.csv")
    else:
        shutil.copy(videos / "bar" / "02.mp4", videos / "bar" / "02.mov")
    line = refused(capsys, videos, tmp_path / "out.h5", *SMALL, *more, "--strict")
    named = {"broken": "a.mp4: cannot be decoded", "absent": "'disc/gone'", "twice": "02.mov"}
    assert named[fault] in line and "--strict" in line
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--backbone", "resnet19"), ["unknown backbone 'resnet19'; did you mean 'resnet18'?"]),
        (("--backbone", "resnet18@sise=3"), ["unknown option 'sise'", "size"]),
        (("--backbone", "own_backbones:nothing"), ["own_backbones:nothing", "cannot be imported"]),
        (("--backbone", "resnet18", "--weights", "w.pth"), ["w.pth", "no such file"]),
        (("--backbone", "resnet18", "resnet18"), ["duplicated", "'resnet18'", "STREAM="]),
        ((*SMALL, "--num-frames", "0"), ["--num-frames 0", "at least 1"]),
        ((*GREY, "--fps", "inf"), ["--fps inf", "must be a number"]),
        ((*GREY, "--fps", "nan"), ["--fps nan"]),
        ((*SMALL, "--fps", "2"), ["--num-frames and --fps"]),
        ((*GREY, "--fps", "2", "--every", "3"), ["--fps and --every cannot be combined"]),
        ((*GREY, "--every", "0"), ["--every 0: must be a number of at least 1"]),
        (("--backbone",), ["--backbone is empty", "VIDEOS OUT.h5"]),
        ((*SMALL, "--workers", "0"), ["--workers 0"]),
        ((*SMALL, "--device", "cuda:99"), ["--device cuda:99"]),
        ((*SMALL, "--ray-address", "x:1"), ["--ray-address"]),
        ((*SMALL, "--split-file", "nowhere.csv"), ["nowhere.csv"]),
    ],
)
def test_bad_arguments_are_one_line(few, tmp_path, capsys, arguments, words):
    line = refused(capsys, few, tmp_path / "out.h5", *arguments)
    assert line.startswith("python -m data extract: ")
    for word in words:
        assert word in line
    assert not list(tmp_path.iterdir())


def test_what_heads_lack_is_told_before_anything_is_extracted(few, tmp_path, capsys):
    # Of a network that cannot classify into the videos' classes itself.
    asked = (few, tmp_path / "out.h5", "--backbone", "resnet18@size=32", "--weights", "none")
    line = refused(capsys, *asked, "--crossfit", "group")
    assert "groups: --crossfit group needs groups" in line
    listed = [f.relative_to(few).as_posix() for f in sorted(few.rglob("*.mp4"))]
    rows = [f"{name},train" for name in listed if not name.startswith("ring")]
    (tmp_path / "split.csv").write_text("\n".join(["video,split", *rows]))
    line = refused(capsys, *asked, "--split-file", tmp_path / "split.csv")
    assert "the class 'ring' has no training video" in line
    (tmp_path / "split.csv").write_text(f"video,split\n{listed[0]},\n")
    line = refused(capsys, *asked, "--split-file", tmp_path / "split.csv")
    assert "no video is in a split" in line
    assert [path.name for path in tmp_path.iterdir()] == ["split.csv"]


def test_errors_of_the_users_own_function_name_the_video(few, tmp_path, capsys):
    videos = tmp_path / "videos"
    shutil.copytree(few, videos)
    white = np.full((12, 48, 64, 3), 255, np.uint8)
    write_video(videos / "bar" / "white.mp4", white)
    arguments = ("--backbone", "own_backbones:not_white@size=16", "--num-frames", 6)
    extract(videos, tmp_path / "out.h5", *arguments)
    shown = "".join(capsys.readouterr().err.replace("│", " ").split())
    assert "bar/white.mp4:LookupError:toobright" in shown
    line = refused(capsys, videos, tmp_path / "out.h5", *arguments, "--strict", "--overwrite")
    assert "white.mp4: LookupError: too bright" in line
    kept = len(list(shards_folder(tmp_path / "out.h5").glob("*.safetensors")))
    many = "videos" if kept > 1 else "video"
    assert f"{kept} finished {many} kept in" in line and "rerun with --resume to continue" in line


@pytest.mark.parametrize("workers", [1, 2])
def test_a_decoder_that_crashes_costs_one_video(few, tmp_path, capsys, workers):
    videos = tmp_path / "videos"
    shutil.copytree(few, videos)
    write_video(videos / "bar" / "white.mp4", np.full((12, 48, 64, 3), 255, np.uint8))
    asked = [videos, tmp_path / "out.h5", "--backbone", "own_backbones:crash_on_white@size=16"]
    asked += ["--num-frames", 6, "--workers", workers]
    done = run_module("data", ["extract", *asked], tmp_path, apart=True)
    assert done.returncode == 0, done.stderr
    shown = "".join(done.stderr.replace("│", " ").split())
    assert "bar/white.mp4:itsprocessdied(SIGSEGV)" in shown
    cache = open_cache(tmp_path / "out.h5")
    assert len(cache) == len(list(few.rglob("*.mp4"))) and "bar/white" not in cache.ids
    assert cache.provenance["skipped"] == ["bar/white"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.h5", "videos"]


def test_a_class_that_crossfitting_cannot_predict_is_told(few, tmp_path, capsys):
    files = [f.relative_to(few).as_posix() for f in sorted(few.rglob("*.mp4"))]
    rings = [name for name in files if name.startswith("ring")]
    rows = [f"{name},{'test' if name in rings[1:] else 'train'}" for name in files]
    (tmp_path / "split.csv").write_text("\n".join(["video,split", *rows]))
    extract(few, tmp_path / "out.h5", *SMALL, "--split-file", tmp_path / "split.csv")
    shown = " ".join(capsys.readouterr().err.split())
    assert "splits: only one training video of ring: its predictions come from a head that" in shown


def test_a_folder_without_a_usable_video_is_an_error(tmp_path, capsys):
    for name in ("a/1.mp4", "a/2.mp4", "a/3.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_text("no video")
    line = refused(capsys, tmp_path / "videos", tmp_path / "out.h5", *SMALL)
    assert "no video can be used" in line and "1.mp4" in line


def test_workers_and_engines_give_the_same(few, tmp_path):
    extract(few, tmp_path / "one.h5", *SMALL)
    extract(few, tmp_path / "two.h5", *SMALL, "--workers", 2)
    extract(few, tmp_path / "ray.h5", *SMALL, "--workers", 1, "--engine", "ray")
    assert_same_arrays(tmp_path / "one.h5", tmp_path / "two.h5")
    assert_same_arrays(tmp_path / "one.h5", tmp_path / "ray.h5")


def test_views_folds_and_ready_predictions_reach_the_cache(few, tmp_path, capsys):
    split_file = tmp_path / "split.csv"
    lines = ["video,split,split.other,group"]
    for place, file in enumerate(sorted(few.rglob("*.mp4"))):
        splits = ("test,train", "train,test", "train,train")[place % 3]
        lines.append(f"{file.relative_to(few).as_posix()},{splits},g{place}")
    split_file.write_text("\n".join(lines))
    out = tmp_path / "out.h5"
    backbones = ("rgb=own_backbones:corners@size=16", "own=own_backbones:classifier@size=16")
    extract(
        few, out, "--backbone", *backbones, "--views", 10, "--split-file", split_file,
        "--num-frames", 3,
    )  # fmt: skip
    shown = " ".join(capsys.readouterr().err.split())
    assert (
        "stream own: predictions by the network's own classifier" in shown
        and "stream rgb" not in shown
    )
    cache = open_cache(out)
    assert cache.folds == ("default", "other")
    assert cache.features_extent("rgb").axes == "view"
    with h5py.File(out) as file:
        assert file["streams/rgb/features"].shape == (27, 10, 3)
        own = file["streams/own/predictions"][()]
        assert own.shape == (27, 10, 3) and (own[..., 1] > 0.99).all()
        assert list(file["folds/other/predictions"]) == ["rgb"]
    assert cache.groups is not None and len(set(cache.groups)) == 9


def test_nothing_is_left_over_and_only_overwrite_replaces_a_cache(few, tmp_path, capsys):
    out = tmp_path / "out.h5"
    extract(few, out, *SMALL)
    before = out.read_bytes()
    line = refused(capsys, few, out, *SMALL, "--seed", 1)
    assert line.endswith("out.h5: exists; add --overwrite, or choose another name")
    assert out.read_bytes() == before
    extract(few, out, *SMALL, "--seed", 1, "--overwrite")
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5"] and out.read_bytes() != before


def test_a_full_disk_is_one_line_and_what_is_done_is_kept(few, tmp_path):
    """A limit on the size of files stands for a full disk: writing fails in the same place."""
    command = ["extract", few, tmp_path / "out.h5", *SMALL, "--thumbnail", "64"]
    done = run_module("data", command, tmp_path, largest_file=20_000)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert (
        "out.h5.shards: cannot be written: File too large; free some space and rerun with --resume"
        in line
    )
    assert not list(tmp_path.rglob("*.part"))


def test_targets_of_a_csv_make_a_regression(few, tmp_path):
    lines = ["video,split,target.joy,target.fear"]
    for place, file in enumerate(sorted(few.rglob("*.mp4"))):
        split = ("train", "train", "test")[place % 3]
        lines.append(f"{file.relative_to(few).as_posix()},{split},{place / 10},{1 - place / 10}")
    (tmp_path / "split.csv").write_text("\n".join(lines))
    out = tmp_path / "out.h5"
    extract(few, out, *SMALL, "--split-file", tmp_path / "split.csv")
    cache = open_cache(out)
    assert cache.task == "regression" and cache.classes == ("joy", "fear")
    np.testing.assert_allclose(cache.labels[:, 0], np.arange(9) / 10, atol=1e-6)


def test_videos_in_no_split_are_left_out(few, tmp_path):
    files = sorted(few.rglob("*.mp4"))
    lines = ["video,split", *(f"{f.relative_to(few).as_posix()},train" for f in files[1:-1])]
    lines[-1] = lines[-1].replace("train", "test")
    (tmp_path / "split.csv").write_text("\n".join(lines))
    out = tmp_path / "out.h5"
    extract(few, out, *SMALL, "--split-file", tmp_path / "split.csv")
    assert len(open_cache(out)) == 7


@pytest.mark.parametrize("limit", [60_000, 100_000])
def test_a_disk_that_fills_up_in_merging_loses_no_features(few, tmp_path, limit):
    """The first limit is met by the raw frames, the second by the cache that is made of them."""
    out = tmp_path / "out.h5"
    arguments = (few, out, *SMALL, "--thumbnail", "24")
    done = run_module("data", ["extract", *arguments], tmp_path, largest_file=limit)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert "out.h5: cannot be written" in line and "rerun with --resume to continue" in line
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5.shards"]
    extract(*arguments, "--resume")
    assert len(open_cache(out)) == 9


def test_after_a_repair_only_the_repaired_video_is_extracted(few, tmp_path, capsys, monkeypatch):
    videos, out = tmp_path / "videos", tmp_path / "out.h5"
    shutil.copytree(few, videos)
    broken = videos / "bar" / "02.mp4"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    extract(videos, out, *SMALL, "--keep-shards")
    assert len(open_cache(out)) == 8
    broken.write_bytes(whole)
    worked_on = []
    work = extract_module.work
    monkeypatch.setattr(
        extract_module, "work", lambda task: (worked_on.append(task.video), work(task))[1]
    )
    extract(videos, out, *SMALL, "--resume")
    assert worked_on == ["bar/02"]
    assert len(open_cache(out)) == 9 and not shards_folder(out).exists()
    (tmp_path / ".out.h5.shards.part").mkdir()  # of a command killed while it removed its shards
    line = refused(capsys, videos, out, *SMALL, "--resume")
    assert "out.h5: is complete" in line and not list(tmp_path.glob(".*"))


def test_an_interrupted_extraction_over_an_old_cache_is_not_complete(few, tmp_path):
    out = tmp_path / "out.h5"
    extract(few, out, *SMALL, "--seed", 1)
    before = out.read_bytes()
    shards_folder(out).mkdir()  # of a command killed before its first video
    extract(few, out, *SMALL, "--resume")
    assert out.read_bytes() != before and not shards_folder(out).exists()


def test_a_list_of_other_names_is_told(few, tmp_path, capsys):
    (tmp_path / "split.csv").write_text("video,split\n00.mp4,train\n01.mp4,test\n")
    line = refused(capsys, few, tmp_path / "out.h5", *SMALL, "--split-file", tmp_path / "split.csv")
    assert "'00.mp4' has no file" in line and "CLASS/VIDEO" in line


def test_a_folder_one_level_too_high_is_warned_of(few, tmp_path, capsys):
    extract(few.parent, tmp_path / "out.h5", *SMALL)
    shown = capsys.readouterr()
    assert "1 class: few" in shown.out and "one level deeper" in shown.err


@pytest.mark.parametrize("views", [1, 10])
def test_a_network_fine_tuned_on_the_classes_makes_the_predictions(few, tmp_path, capsys, views):
    models = import_torchvision().models
    torch.manual_seed(3)
    network = models.resnet18(num_classes=3)
    save_file(network.state_dict(), tmp_path / "tuned.safetensors")
    how = ("--backbone", "resnet18@size=32", "--weights", tmp_path / "tuned.safetensors")
    how += ("--num-frames", 2, "--views", views, "--dtype", "float32")
    extract(few, tmp_path / "own.h5", *how)
    assert "predictions by the network's own classifier" in capsys.readouterr().err
    own = open_cache(tmp_path / "own.h5")
    assert own.provenance["predictions"] == "ready-made"
    with h5py.File(tmp_path / "own.h5") as file:
        features = torch.from_numpy(file["streams/main/features"][()])
        predictions = file["streams/main/predictions"][()]
    with torch.inference_mode():
        expected = network.fc(features).softmax(dim=-1).numpy()
    np.testing.assert_allclose(predictions, expected, atol=1e-5)
    extract(few, tmp_path / "head.h5", *how, "--predictions", "head")
    assert open_cache(tmp_path / "head.h5").provenance["predictions"] == "linear head"
