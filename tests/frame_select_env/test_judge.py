"""A judge in a file: what it says of chosen frames, and which caches it refuses."""

import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judges import random_judge, write_random_judge

from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.aggregators import judge_clips, judge_path, make_judge
from frame_select_env.consensus import is_correct
from frame_select_env.judge import NetworkJudge, in_order, read_judge, write_judge


@pytest.fixture(scope="module")
def judge(planted):
    return NetworkJudge(random_judge(planted), open_cache(planted))


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """A cache of two videos of three frames with one feature, classes a and b."""

    def videos():
        for row, features in enumerate(([[0.0], [2.0], [5.0]], [[5.0], [2.0], [0.0]])):
            yield {
                "id": f"v{row}",
                "label": row,
                "split": "train",
                "features": np.array(features, np.float32),
                "predictions": np.full((3, 2), 0.5, np.float32),
            }

    path = tmp_path_factory.mktemp("by-hand") / "by-hand.h5"
    return write_cache(path, videos(), classes=["a", "b"])


def float32(values):
    return np.array(values, np.float32)


@pytest.fixture(scope="module")
def rises(by_hand):
    """Embedding (x - 1) / 2, at least 0; changes are steps above 1/4; logits (0, e + 2 g - 1)."""
    return replace(
        random_judge(by_hand, networks=1, hidden=1),
        mean=float32([1]),
        scale=float32([0.5]),
        embed_weight=float32([[[1]]]),
        embed_bias=float32([[0]]),
        change_weight=float32([[[1]]]),
        change_threshold=float32([[0.25]]),
        output_weight=float32([[[0, 0], [1, 2]]]),
        output_bias=float32([[0, -1]]),
        part=np.zeros(2, np.int64),
    )


@pytest.mark.parametrize(
    ("video", "selected", "logit"),
    [
        (0, [1, 1, 1], 2 + 2 * 1.25 - 1),  # embeddings 0, 1/2, 2: the larger step is 3/2
        (0, [1, 0, 1], 2 + 2 * 1.75 - 1),  # without the middle it is 2
        (0, [0, 1, 0], 0.5 - 1),  # one frame makes no step
        (1, [1, 1, 1], 2 - 1),  # nor do steps down
    ],
)
def test_numbers_worked_by_hand(by_hand, rises, video, selected, logit):
    cache = open_cache(by_hand)
    judge = NetworkJudge(rises, cache)
    clips = cache.read(np.array([video]), 3)
    said = judge(judge.frames(clips.features, clips.video), np.array([selected], bool), clips.video)
    assert said[0, 1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-7)
    assert said.sum() == pytest.approx(1, abs=1e-11)


@given(seed=st.integers(0, 10**6))
def test_a_copy_beside_its_frame_adds_nothing_and_order_matters(judge, seed):
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(1, 6, 6)).astype(np.float16)
    video, every = np.array([0]), np.ones((1, 6), bool)
    place = int(rng.integers(6))
    copied = np.insert(frames, place, frames[:, place], axis=1)
    said = judge(judge.frames(frames, video), every, video)
    again = judge(judge.frames(copied, video), np.ones((1, 7), bool), video)
    assert np.array_equal(said, again)
    near = copied + np.float16(1e-3) * (np.arange(7) == place)[None, :, None]
    again = judge(judge.frames(near, video), np.ones((1, 7), bool), video)
    np.testing.assert_allclose(said, again, atol=0.02)


def test_frames_in_another_order_are_another_video(judge):
    frames, video = np.random.default_rng(0).normal(size=(1, 6, 6)), np.array([0])
    every = np.ones((1, 6), bool)
    said = judge(judge.frames(frames, video), every, video)
    again = judge(judge.frames(frames[:, ::-1], video), every, video)
    assert np.abs(said - again).max() > 0.01


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_batch_says_what_each_video_says_alone_to_the_bit(planted, judge, seed):
    """And what is not selected, padding or not, is not read."""
    rng, cache = np.random.default_rng(seed), open_cache(planted)
    rows = rng.integers(0, 60, 9)
    clips = cache.read(rows, 14)
    selected = clips.valid & (rng.random(clips.valid.shape) < rng.random((9, 1)))
    frames = judge.frames(clips.features, rows)
    together = judge(frames, selected, rows)
    hidden = np.where(selected[:, :, None], frames, np.float32(np.nan))
    for one in range(9):
        own = slice(one, one + 1)
        alone = judge.frames(clips.features[own], rows[own])
        assert np.array_equal(alone, frames[own])
        assert np.array_equal(judge(alone, selected[own], rows[own]), together[own])
        if selected[one].any():
            chosen = hidden[own][:, selected[one]]
            every = np.ones(chosen.shape[:2], bool)
            assert np.array_equal(judge(chosen, every, rows[own]), together[own])
        else:
            assert not together[one].any()


def test_frames_in_order_repeat_the_last():
    selected = np.array([[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    assert in_order(selected).tolist() == [[1, 3, 3, 3], [0, 1, 2, 3], [0, 0, 0, 0]]


def test_videos_are_judged_by_the_network_of_their_part(planted, judge):
    """Those of another cache by the last one."""
    clips = open_cache(planted).read(np.array([0, 1]), 14)
    same = np.repeat(clips.features[:1], 2, axis=0), np.repeat(clips.valid[:1], 2, axis=0)
    said = judge(judge.frames(same[0], clips.video), same[1], clips.video)
    assert not np.array_equal(said[0], said[1])
    elsewhere = random_judge(planted, digest="another", cache="another.h5")
    other = NetworkJudge(elsewhere, open_cache(planted))
    by_last = other(other.frames(same[0], clips.video), same[1], clips.video)
    assert np.array_equal(by_last, np.stack([said[1], said[1]]))


def test_a_regression_answers_within_the_labels_it_knows(regression):
    file, cache = random_judge(regression, stream="audio"), open_cache(regression)
    wide = replace(file, output_bias=file.output_bias + float32([9, -9]))
    judge, clips = NetworkJudge(wide, cache, stream="audio"), cache.read([0], 8, stream="audio")
    said = judge(judge.frames(clips.features, clips.video), clips.valid, clips.video)
    assert said.tolist() == [[1.0, -1.0]]


def test_a_file_comes_back_as_it_was_written(planted, tmp_path):
    file = random_judge(planted)
    write_judge(tmp_path / "judge.safetensors", file)
    again = read_judge(tmp_path / "judge.safetensors")
    assert again.facts == file.facts
    for name, values in file.tensors().items():
        assert np.array_equal(again.tensors()[name], values)
        assert again.tensors()[name].dtype == values.dtype


def edited(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: b"", "is no judge, or is damaged"),
        (lambda data: data[:-5], "is no judge, or is damaged"),
        (lambda data: edited(data, len(data) - 9), "the checksum is wrong"),
        (lambda data: data.replace(b'\\"version\\": 1', b'\\"version\\": 2'), "version 2, not 1"),
        (lambda data: data.replace(b"header", b"footer"), "is no judge, or is damaged"),
    ],
)
def test_a_damaged_file_says_so(planted, tmp_path, damage, says):
    path = tmp_path / "judge.safetensors"
    write_judge(path, random_judge(planted))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FrameSelectError, match=f"judge.safetensors: .*{says}.*frame-select judge"):
        read_judge(path)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"classes": ["a", "b", "c", "e"]}, "judges other classes"),
        ({"stream": "main", "feature_size": 7}, "judges 7 features per frame .* has 6"),
        ({"digest": "before"}, "planted.h5 has changed since this judge"),
        ({"fold": "2"}, "trained on fold '2', so it may know test videos of fold 'default'"),
    ],
)
def test_a_judge_made_for_something_else_is_refused(planted, tmp_path, facts, says):
    path = write_random_judge(tmp_path, planted, **facts)
    with pytest.raises(FrameSelectError, match=f"{path}: .*{says}"):
        gym.make("FrameSelect/OneShot-v0", data=str(planted), aggregator=path)


def test_a_judge_of_another_stream_is_refused(viewed, tmp_path):
    path = write_random_judge(tmp_path, viewed, stream="flow")
    with pytest.raises(FrameSelectError, match="judges the stream 'flow', not 'rgb'.*--stream rgb"):
        gym.make("FrameSelect/OneShot-v0", data=str(viewed), stream="rgb", aggregator=path)


def test_without_safetensors_a_line_says_what_to_install(planted, tmp_path, monkeypatch):
    path = write_random_judge(tmp_path, planted)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(FrameSelectError, match=r'run: pip install "frame-select-env\[judge\]"'):
        gym.make("FrameSelect/OneShot-v0", data=str(planted), aggregator=path)


def test_the_bundled_judge_is_of_the_bundled_cues():
    """What `frame-select judge cues cues-judge.safetensors` makes; it leaves much to flip."""
    cache = open_cache("cues")
    judge = make_judge("cues-judge", cache, "default", None)
    facts = read_judge(judge_path("cues-judge")).facts
    assert facts["digest"] == cache.digest and (facts["seed"], facts["split"]) == (0, "train")
    rows = cache.rows("train")
    clips, label = cache.read(rows), cache.labels[rows]
    key = (cache.read_frames("importance", rows) > 0) & clips.valid
    right = [is_correct(judge_clips(judge, clips, one), label).mean() for one in (clips.valid, key)]
    assert right == [pytest.approx(0.336, abs=0.002), pytest.approx(0.908, abs=0.002)]
