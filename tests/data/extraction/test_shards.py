"""Shards: whole or absent, resumed only by the same settings and for the same files."""

import shutil

import numpy as np
import pytest
import torch

from data.extraction import pipeline, shards
from data.extraction.pipeline import Stop, Task, work
from data.extraction.settings import Settings
from data.extraction.shards import (
    count_shards,
    identity,
    is_done,
    open_shards,
    read_array,
    read_weights,
    remove_shards,
    shard_file,
    write_shard,
)
from frame_select_env.errors import FrameSelectError
from frame_select_env.storage import exclusive, write_whole

RECORD = {"views": 1, "frames": {"num_frames": 25, "fps": 0.0}}
ARRAYS = {"time": np.arange(3, dtype=np.float32), "features.main": np.ones((3, 2), np.float16)}
WEIGHTS = {"main": "0123abcd"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "out.h5.shards"
    folder.mkdir()
    open_shards(folder, RECORD, resume=False)
    return folder


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "a b.mp4"
    path.write_bytes(b"0123456789")
    return path


def test_a_shard_gives_back_what_was_written(folder, video):
    assert not is_done(folder, "a/ü", video)
    write_shard(folder, "a/ü", identity(video), ARRAYS, WEIGHTS)
    assert is_done(folder, "a/ü", video)
    for name, values in ARRAYS.items():
        read = read_array(folder, "a/ü", name)
        assert read.dtype == values.dtype
        np.testing.assert_array_equal(read, values)
    assert read_weights(folder, "a/ü") == WEIGHTS
    assert not is_done(folder, "a/u", video)


def test_a_video_that_has_changed_is_not_done(folder, video):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    video.write_bytes(b"another video")
    assert not is_done(folder, "a", video)


def test_a_video_that_changes_while_it_is_worked_on_is_not_done(folder, video, monkeypatch):
    def half_copied(path, *_):
        path.write_bytes(path.read_bytes() + b"the rest of it")
        return ARRAYS, False

    monkeypatch.setattr(pipeline, "extract_video", half_copied)
    work(Task("a", video, folder, Settings(())))
    assert shard_file(folder, "a").exists()
    assert not is_done(folder, "a", video)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.cuda.OutOfMemoryError("no room"), "--batch 8: the GPU ran out of memory"),
        (torch.AcceleratorError("CUDA error: misaligned"), "--device cpu: CUDA error: misaligned"),
    ],
)
def test_a_gpu_that_fails_stops_the_extraction(folder, video, monkeypatch, error, words):
    """Otherwise every video that follows would be taken for broken."""

    def fail(*_):
        raise error

    monkeypatch.setattr(pipeline, "extract_video", fail)
    stop = work(Task("a", video, folder, Settings(())))
    assert isinstance(stop, Stop) and stop.reason.startswith(words)


def test_a_video_that_is_gone_is_not_done(folder, video):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    video.unlink()
    assert not is_done(folder, "a", video)


def test_a_damaged_shard_is_not_done_and_is_named_in_reading(folder, video):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    file = shard_file(folder, "a")
    file.write_bytes(file.read_bytes()[:40])
    assert not is_done(folder, "a", video)
    with pytest.raises(FrameSelectError, match=f"{file.name}.*'a'.*--resume"):
        read_array(folder, "a", "time")


def test_names_of_any_length_have_a_shard(folder, video):
    write_shard(folder, "x/" + "long" * 300, identity(video), ARRAYS, WEIGHTS)
    assert is_done(folder, "x/" + "long" * 300, video)


def test_writing_that_fails_leaves_nothing_behind(folder, video, monkeypatch):
    before = sorted(folder.iterdir())
    monkeypatch.setattr(shards.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    assert sorted(folder.iterdir()) == before


def test_work_that_did_not_end_is_gone_on_with_only_when_asked(folder, video):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    (folder / "b.123.part").write_bytes(b"half")
    (folder / ".settings.json.abc.part").mkdir()  # of open_shards, killed
    with pytest.raises(
        FrameSelectError, match="contains 1 video .*--resume to continue, or delete"
    ):
        open_shards(folder, RECORD, resume=False)
    open_shards(folder, RECORD, resume=True)
    assert is_done(folder, "a", video)
    assert not list(folder.glob("*.part"))


def test_other_settings_are_refused_by_name(folder, video):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    with pytest.raises(FrameSelectError, match="views: .* with 1, not 10; .*another OUT"):
        open_shards(folder, {**RECORD, "views": 10}, resume=True)
    (folder / "settings.json").unlink()
    with pytest.raises(FrameSelectError, match="is missing or damaged"):
        open_shards(folder, RECORD, resume=True)


def test_a_folder_without_a_video_is_begun_anew(folder, video):
    open_shards(folder, {**RECORD, "views": 10}, resume=False)
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    open_shards(folder, {**RECORD, "views": 10}, resume=True)


def test_two_extractions_do_not_work_in_one_folder(tmp_path):
    folder = tmp_path / "out.h5.shards"
    with (
        exclusive(folder),
        pytest.raises(FrameSelectError, match="is in use by another command"),
        exclusive(folder),
    ):
        pass
    with exclusive(folder):
        assert folder.is_dir()


def test_shards_that_are_being_removed_leave_nothing_to_resume(folder, video, monkeypatch):
    write_shard(folder, "a", identity(video), ARRAYS, WEIGHTS)
    stopped = shutil.rmtree

    def killed(path, **keywords):
        if path.is_dir():
            raise KeyboardInterrupt
        stopped(path, **keywords)

    monkeypatch.setattr(shards.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_shards(folder)
    assert not folder.exists() and count_shards(folder) == 0
    monkeypatch.undo()
    write_whole(folder.with_name("out.h5"), b"the next command that writes the cache")
    assert not [one for one in folder.parent.iterdir() if one.name.startswith(".")]
