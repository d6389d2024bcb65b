"""One video: every array of its shard, against frames whose numbers are known."""

import numpy as np
import pytest
from shape_videos import RATE, number_of, numbered_pictures, write_video

from data.backbones import LOG_MEL, build_backbone, parse_specification
from data.backbones.backbone import Runtime
from data.extraction import one_video
from data.extraction.one_video import extract_video
from data.extraction.settings import Settings
from data.video.files import VideoError
from data.video.timeline import MisnamedError, Sampling

GREY = "own_backbones:grey@size=32"


def extract(path, *texts, **settings):
    streams = tuple(parse_specification(text, only=len(texts) == 1) for text in texts)
    made = Settings(streams, **{"sampling": Sampling(10), "dtype": "float32", **settings})
    runtime = Runtime(views=made.views)
    backbones = {s.stream: build_backbone(s, runtime) for s in streams if s.backbone != LOG_MEL}
    return extract_video(path, made, backbones)


def numbers(greys):
    return np.round((greys - 20) / 4).astype(int)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "a.mp4"
    sound = np.zeros(5 * RATE, np.float32)
    sound[2 * RATE : 3 * RATE] = 0.3 * np.sin(np.arange(RATE) * 0.5)
    return write_video(path, numbered_pictures(50), fps=10, sound=sound)


def test_features_are_those_of_the_sampled_frames(video):
    arrays, silent = extract(video, GREY)
    assert sorted(arrays) == ["features.main", "number", "thumbnail", "time"] and not silent
    sampled = [2, 7, 12, 17, 22, 27, 32, 37, 42, 47]
    assert numbers(arrays["features.main"][:, 0]).tolist() == sampled
    np.testing.assert_allclose(arrays["time"], np.array(sampled) / 10, atol=1e-6)
    assert arrays["number"].tolist() == sampled and arrays["number"].dtype == np.int32
    assert arrays["thumbnail"].shape == (10, 48, 48, 3)
    assert [number_of(picture) for picture in arrays["thumbnail"]] == sampled


def test_all_streams_come_from_one_pass_and_stay_aligned(video):
    arrays, _ = extract(
        video,
        f"frame={GREY}",
        "clip=own_backbones:change@size=16,clip_frames=3,clip_fps=5",
        "next=own_backbones:change@size=16,clip_frames=4",
        "sound=log-mel@bands=8,seconds=0.2",
        thumbnail=0,
        sampling=Sampling(fps=2),
    )
    frames = numbers(arrays["features.frame"][:, 0])
    assert frames.tolist() == list(range(0, 50, 5))
    clips = numbers(arrays["features.clip"])
    assert clips[3].tolist() == [13, 15, 17] and clips[0].tolist() == [0, 0, 2]
    assert numbers(arrays["features.next"])[3].tolist() == [14, 15, 16, 17]
    loud = arrays["features.sound"].max(axis=1) > -10  # half the span around 2 s is silent
    assert loud.tolist() == [2 <= time <= 3 for time in arrays["time"]]
    assert "thumbnail" not in arrays


def test_a_streams_features_do_not_depend_on_the_others(video):
    alone, _ = extract(video, f"a={GREY}")
    beside, _ = extract(video, f"a={GREY}", "b=own_backbones:grey@size=47")
    np.testing.assert_array_equal(beside["features.a"], alone["features.a"])


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_batches_change_nothing(video, batch):
    whole, _ = extract(video, GREY)
    arrays, _ = extract(video, GREY, batch=batch)
    np.testing.assert_array_equal(arrays["features.main"], whole["features.main"])


def test_ten_views_are_an_axis_of_pictures_alone(video):
    arrays, _ = extract(video, f"rgb={GREY}", "sound=log-mel@bands=8", views=10)
    assert arrays["features.rgb"].shape == (10, 10, 3)
    assert arrays["features.sound"].shape == (10, 8)


def test_a_classifier_of_the_right_size_makes_the_predictions(video):
    arrays, _ = extract(video, "own_backbones:classifier@size=16", classes=3)
    np.testing.assert_allclose(arrays["predictions.main"], np.tile([0, 1, 0], (10, 1)), atol=1e-6)
    for classes in (0, 4):
        arrays, _ = extract(video, "own_backbones:classifier@size=16", classes=classes)
        assert "predictions.main" not in arrays


def test_a_video_without_sound_is_silent(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered_pictures(12))
    arrays, silent = extract(path, "log-mel@bands=8", thumbnail=0)
    assert silent and len(np.unique(arrays["features.main"])) == 1


def test_a_video_whose_packets_mislead_is_decoded_twice(video, monkeypatch):
    right, _ = extract(video, GREY)

    def too_many(path):
        raise MisnamedError

    monkeypatch.setattr(one_video, "read_timeline", too_many)
    counts = []
    count = one_video.count_frames
    monkeypatch.setattr(one_video, "count_frames", lambda path: counts.append(path) or count(path))
    counted, _ = extract(video, GREY)
    assert counts == [video]
    for name in right:
        np.testing.assert_array_equal(counted[name], right[name])


def test_numbers_too_large_for_the_file_are_told(video, monkeypatch):
    backbone = "own_backbones:grey@size=16"
    monkeypatch.setattr("own_backbones.grey", lambda frames: np.full((len(frames), 2), 1e6))
    with pytest.raises(VideoError, match=r"features.main .*not finite; use --dtype float32"):
        extract(video, backbone, dtype="float16")
    arrays, _ = extract(video, backbone, dtype="float32")
    assert (arrays["features.main"] == 1e6).all()


def test_what_is_no_number_is_told_without_a_wrong_remedy(video, monkeypatch):
    monkeypatch.setattr("own_backbones.grey", lambda frames: np.full((len(frames), 2), np.nan))
    with pytest.raises(VideoError, match=r"features.main has values that are not finite$"):
        extract(video, GREY, dtype="float16")
