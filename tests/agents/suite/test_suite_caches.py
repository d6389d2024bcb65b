"""The tasks' videos: made once, and refused where they are others."""

from dataclasses import replace

import pytest

from agents.suite.caches import check_videos, make_cache, make_materials, videos_digest
from agents.suite.tasks import CORPORA, TASKS
from frame_select_env import FeatureCache, FrameSelectError, open_cache


def test_the_bundled_cache_is_the_suites_first_corpus() -> None:
    bundled = open_cache("cues")
    assert videos_digest(bundled) == CORPORA["cues"].digest


def test_bundled_videos_are_not_made(tmp_path) -> None:
    assert make_materials(TASKS["set-judge"], tmp_path).aggregator == "cues-judge"
    assert make_materials(TASKS["context"], tmp_path).data == "cues"
    assert not list(tmp_path.iterdir())


def test_videos_are_made_once_and_checked(small_suite, tmp_path, monkeypatch) -> None:
    path = make_cache("cues", tmp_path)
    before = path.stat()
    assert make_cache("cues", tmp_path).stat().st_mtime_ns == before.st_mtime_ns
    digest = videos_digest(FeatureCache(path))
    assert len(digest) == 64

    other = make_cache("cues", tmp_path / "other", seed=1)
    assert videos_digest(FeatureCache(other)) != digest
    with pytest.raises(FrameSelectError, match=r"cues.h5: was made by another recipe"):
        make_cache("cues", tmp_path / "other")

    recipe = CORPORA["cues"].recipe
    check_videos(FeatureCache(path), recipe, digest)
    with pytest.raises(FrameSelectError, match="holds other videos than the suite's; delete it"):
        check_videos(FeatureCache(path), recipe, "0" * 64)
    with pytest.raises(FrameSelectError, match="another recipe"):
        check_videos(FeatureCache(path), replace(recipe, noise=0.2))
