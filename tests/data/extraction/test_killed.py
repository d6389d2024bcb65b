"""Extraction killed again and again, at any moment, ends in the same numbers as in one go."""

import os
import random
import signal
import time

import pytest
from cache_arrays import assert_same_arrays
from shape_videos import write_shape_videos

from data.__main__ import main
from data.extraction.shards import count_shards, shards_folder

KILLS = 10
VIDEOS = 42
HOW = ("--backbone", "resnet18@size=32", "--weights", "none", "--num-frames", "6")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return write_shape_videos(tmp_path_factory.mktemp("kill") / "videos", videos=VIDEOS)


def begin(videos, out):
    """The command in a process of its own: a copy of this one, which has imported everything."""
    child = os.fork()
    if child:
        return child
    # A shell that began the tests in the background may have had them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        main(["extract", str(videos), str(out), *HOW, "--resume"])
    finally:
        os._exit(0)


@pytest.fixture(scope="module")
def whole(videos, tmp_path_factory):
    """The cache of an extraction in one go."""
    out = tmp_path_factory.mktemp("whole") / "whole.h5"
    main(["extract", str(videos), str(out), *HOW])
    return out


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_killed_ten_times_and_resumed_equals_uninterrupted(videos, whole, tmp_path, blow):
    """SIGINT is Ctrl-C. Whatever moment is hit, no more than the video in hand is lost."""
    out = tmp_path / "killed.h5"
    rng = random.Random(0)
    folder = shards_folder(out)
    done = [0]
    for _ in range(KILLS):
        child = begin(videos, out)
        aim = done[-1] + rng.choice([0, 1, 2])
        deadline = time.monotonic() + 60
        while count_shards(folder) < aim and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(child, blow)
        # Python swallows a Ctrl-C that lands in a destructor: press again until it is heard.
        # Soon, as all videos take about a second.
        deadline = time.monotonic() + 0.2
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
            if time.monotonic() > deadline:
                os.kill(child, blow)
                deadline += 0.2
        assert not out.exists()
        done.append(count_shards(folder))
        assert done[-1] >= max(aim, done[-2])  # nothing that was done is lost
    assert 0 < done[-1] < VIDEOS
    main(["extract", str(videos), str(out), *HOW, "--resume"])
    assert_same_arrays(whole, out)
    assert not folder.exists()
