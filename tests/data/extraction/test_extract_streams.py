"""extract: every N-th frame, and streams of logits, through the command line."""

import os
from pathlib import Path

import numpy as np
import pytest
from shape_videos import write_shape_videos

from data.__main__ import main
from data.extraction.shards import shards_folder
from frame_select_env import open_cache

SHARED = str(Path(__file__).parents[2] / "shared")
GREY = ("--backbone", "own_backbones:grey@size=16", "--thumbnail", "0")


@pytest.fixture(autouse=True)
def own_backbones_everywhere(monkeypatch):
    """Processes that are begun here find the user's own module too."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SHARED, os.environ.get("PYTHONPATH", "")]))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return write_shape_videos(tmp_path_factory.mktemp("few") / "few", videos=9, stretches=2)


def extract(*arguments):
    main(["extract", *map(str, arguments)])


def test_every_nth_frame_of_videos_of_any_length(few, tmp_path, failure):
    out = tmp_path / "out.h5"
    extract(few, out, *GREY, "--every", 1)
    whole = open_cache(out)
    lengths, seconds = whole.lengths.copy(), whole.read(np.array([0]), 1000).time[0]
    extract(few, out, *GREY, "--every", 5, "--keep-shards", "--overwrite")
    cache = open_cache(out)
    assert cache.lengths.tolist() == np.ceil(lengths / 5).astype(int).tolist()
    kept = cache.read(np.array([0]), 1000).time[0][: cache.lengths[0]]
    assert kept.tolist() == seconds[: lengths[0] : 5].tolist()
    assert cache.provenance["frames"] == "1 of every 5"
    line = failure("extract", few, out, *GREY, "--every", 4, "--resume")
    assert "frames: its videos were made with" in line and '"every": 5' in line
    next(shards_folder(out).glob("*.safetensors")).unlink()
    before = cache.features().copy()
    extract(few, out, *GREY, "--every", 5, "--resume")
    np.testing.assert_array_equal(open_cache(out).features(), before)
    assert not shards_folder(out).exists()


def test_a_stream_of_logits_beside_one_of_features(few, tmp_path):
    out = tmp_path / "out.h5"
    small = "resnet18@size=32,weights=none"
    extract(few, out, "--backbone", f"a={small}", f"b={small},output=logits", "--num-frames", 2)
    cache = open_cache(out)
    assert cache.features("a").shape[1:] == (512,) and cache.features("b").shape[1:] == (1000,)
    assert cache.predictions("b").shape[1:] == (3,)
    assert cache.provenance["predictions"] == "linear head"
    assert "b=resnet18@weights=none,size=32,output=logits" in cache.provenance["backbones"]


def test_a_backbone_without_logits_is_one_line(few, tmp_path, failure):
    backbone = "own_backbones:grey@size=16,output=logits"
    line = failure("extract", few, tmp_path / "out.h5", "--backbone", backbone)
    assert "--backbone own_backbones:grey: output=logits: has no logits" in line
    assert not list(tmp_path.iterdir())
