"""Selector: what a run folder alone makes of new videos, and of features."""

import shutil

import numpy as np
import pytest
from shape_videos import HEIGHT, WIDTH, number_of, numbered_pictures, write_video

import agents
from agents import Selector
from agents.picking import selection as selection_module
from agents.registry import AGENTS
from agents.training.inputs import INPUTS
from agents.training.load import load_run
from data.video.timeline import MisnamedError
from frame_select_env import FrameSelectError, open_cache, write_cache
from frame_select_env.cache import frame_index


def test_the_public_names_are_there_and_no_others():
    assert agents.Selector is Selector
    assert set(agents.__all__) == set(agents.NAMES)
    with pytest.raises(AttributeError, match="no attribute 'Selecter'"):
        _ = agents.Selecter


@pytest.mark.parametrize("which", ["trained", "two_streams", "hidden_layer"])
def test_pick_gives_the_frames_that_evaluate_gives(request, which):
    found = request.getfixturevalue(which)
    selector = Selector.load(found.run, trust_code=which != "trained")
    assert len(found.numbers) >= 3
    for name, numbers in found.numbers.items():
        selection = selector.pick(found.videos / f"{name}.mp4", 3)
        assert selection.indices.tolist() == numbers
        best = np.sort(found.scores[name])[-3:]
        np.testing.assert_allclose(np.sort(selection.scores), best, atol=1e-4)
        np.testing.assert_allclose(selection.seconds, np.array(numbers) / 12, atol=1e-6)
        np.testing.assert_allclose(selection.predictions, found.predictions[name], atol=1e-4)


def test_pictures_are_the_frames_in_the_videos_resolution(trained, tmp_path):
    video = write_video(tmp_path / "long.mkv", numbered_pictures(50, HEIGHT, WIDTH), fps=10)
    selection = Selector.load(trained.run).pick(video, 4)
    pictures = list(selection.pictures())
    assert [picture.shape for picture in pictures] == [(HEIGHT, WIDTH, 3)] * 4
    assert [number_of(picture) for picture in pictures] == selection.indices.tolist()
    assert selection.video_metadata == {
        "total_num_frames": 50,
        "fps": 10.0,
        "duration": 5.0,
        "video_backend": "pyav",
        "frames_indices": selection.indices.tolist(),
    }


def test_pictures_of_a_video_whose_packets_mislead_are_found_by_their_times(
    trained, tmp_path, monkeypatch
):
    video = write_video(tmp_path / "a.mp4", numbered_pictures(30), fps=10)
    selection = Selector.load(trained.run).pick(video, 4)
    whole, calls = selection_module.read_sizes, []

    def misled(path, timeline, wanted, sides, threads):
        calls.append(timeline.decoded)
        frames = whole(path, timeline, wanted, sides, threads)
        if timeline.decoded:
            yield from frames
        else:
            yield next(frames)
            raise MisnamedError

    monkeypatch.setattr(selection_module, "read_sizes", misled)
    shown = [number_of(picture) for picture in selection.pictures()]
    assert shown == selection.indices.tolist() and calls == [False, True]


def test_without_a_number_it_picks_as_many_as_the_agent_was_trained_for(trained, tmp_path):
    selector = Selector.load(trained.run)
    video = write_video(tmp_path / "a.mp4", numbered_pictures(12))
    assert len(selector.pick(video).indices) == 3
    with pytest.raises(FrameSelectError, match="frames=7: must be from 1 to 6"):
        selector.pick(video, 7)


def test_a_short_video_keeps_all_its_frames(trained, tmp_path):
    selector = Selector.load(trained.run)
    two = write_video(tmp_path / "two.mp4", numbered_pictures(2))
    assert selector.pick(two, 3).indices.tolist() == [0, 1]
    one = selector.pick(write_video(tmp_path / "one.mp4", numbered_pictures(1)), 3)
    assert one.indices.tolist() == [0]
    assert one.video_metadata["fps"] is None and one.video_metadata["duration"] is None


def scores_on_cache(folder, cache, task, row):
    video, view = cache.clips_of(np.array([row]), task.stream, task.view)
    clips = cache.read(video, task.num_frames, task.fold, task.stream, view)
    return load_run(folder, cache).agent.scores(clips).mean(axis=0), clips.valid[0]


@pytest.mark.parametrize("name", AGENTS)
def test_every_agent_scores_features_as_in_the_cache(name, planted, write_run, tmp_path):
    cache = open_cache(planted)
    task = write_run(tmp_path / "run", cache, name, num_frames=10)
    selector = Selector.load(tmp_path / "run")
    for row in (0, 7):
        there, valid = scores_on_cache(tmp_path / "run", cache, task, row)
        frames = slice(cache.start[row], cache.start[row + 1])
        scores = selector.score(cache.features()[frames], cache.predictions()[frames])
        index, _ = frame_index(cache.lengths[[row]], 10)
        ranked = index[0][valid]
        np.testing.assert_allclose(scores[ranked], there[valid], rtol=1e-4, atol=1e-5)
        assert np.isneginf(np.delete(scores, ranked)).all()
        assert len(scores) == cache.lengths[row]


@pytest.mark.parametrize(("stream", "view"), [("rgb", "random"), ("rgb+flow", 1), ("flow", None)])
def test_streams_and_views_are_as_in_the_cache(viewed, write_run, tmp_path, stream, view):
    cache = open_cache(viewed)
    task = write_run(tmp_path / "run", cache, "reinforce", num_frames=14, stream=stream, view=view)
    there, valid = scores_on_cache(tmp_path / "run", cache, task, 3)
    frames = slice(cache.start[3], cache.start[4])
    features = {one: cache.features(one)[frames] for one in stream.split("+")}
    told = {one: np.full((len(features[one]), 4), 0.25) for one in features}
    scores = Selector.load(tmp_path / "run").score(features, told)
    np.testing.assert_allclose(scores, there[valid], rtol=1e-4, atol=1e-5)


def test_features_that_do_not_fit_are_one_line(trained, regression, write_run, tmp_path):
    selector = Selector.load(trained.run)
    features = np.zeros((5, 512), np.float32)
    assert selector.score(features).shape == (5,)  # predicted by the run's own head
    for wrong, words in (
        (np.zeros((5, 7)), r"features of stream 'main' have the shape \[5, 7\].*\[L, 512\]"),
        (np.zeros((0, 512)), r"have the shape \[0, 512\]"),
        (np.full((5, 512), 1e6), "features is inf at frame 0"),
        ({"rgb": features}, "the run is on the streams main"),
    ):
        with pytest.raises(FrameSelectError, match=words):
            selector.score(wrong)
    with pytest.raises(FrameSelectError, match=r"predictions .* \[5, 2\]; the run needs \[5, 3\]"):
        selector.score(features, np.full((5, 2), 0.5))
    with pytest.raises(FrameSelectError, match="sum to 2"):
        selector.score(features, np.full((5, 3), 2 / 3))
    write_run(tmp_path / "two", open_cache(regression), "reinforce", stream="audio+video")
    both = Selector.load(tmp_path / "two")
    arrays = {"audio": np.zeros((5, 3)), "video": np.zeros((4, 5))}
    with pytest.raises(FrameSelectError, match=r"'video' have the shape \[4, 5\].*\[5, 5\]"):
        both.score(arrays)
    with pytest.raises(FrameSelectError, match=r"score\(features, predictions\)"):
        both.score({"audio": np.zeros((5, 3)), "video": np.zeros((5, 5))})


def test_without_labels_the_only_class_is_certain(write_run, tmp_path):
    rng = np.random.default_rng(0)
    videos = (
        {
            "id": str(row),
            "label": 0,
            "split": ("train", "test")[row % 2],
            "features": rng.normal(size=(6, 4)).astype(np.float32),
            "predictions": np.ones((6, 1), np.float32),
        }
        for row in range(10)
    )
    cache = open_cache(write_cache(tmp_path / "c.h5", videos, classes=["video"]))
    reward = "diversity_representativeness"
    task = write_run(tmp_path / "run", cache, "reinforce", num_frames=6, reward=reward)
    there, _ = scores_on_cache(tmp_path / "run", cache, task, 1)
    scores = Selector.load(tmp_path / "run").score(cache.features()[6:12])
    np.testing.assert_allclose(scores, there, rtol=1e-4, atol=1e-5)


def test_runs_whose_features_cannot_be_made_again_say_why(planted, trained, write_run, tmp_path):
    write_run(tmp_path / "imported", open_cache(planted), "reinforce")
    with pytest.raises(FrameSelectError, match=r"imported features.*Selector.load\(RUN\)\.score"):
        Selector.load(tmp_path / "imported").pick("v.mp4")
    old = shutil.copytree(trained.run, tmp_path / "old")
    (old / INPUTS).unlink()
    with pytest.raises(FrameSelectError, match="old: lacks inputs.h5.*train again"):
        Selector.load(old)
    with pytest.raises(FrameSelectError, match="is not a run folder"):
        Selector.load(tmp_path)


def test_a_network_that_classifies_itself_predicts_new_videos_too(train, shapes, tmp_path):
    backbone = ("--backbone", "own_backbones:classifier@size=16")
    found = train(tmp_path, shapes, *backbone)
    selector = Selector.load(found.run, trust_code=True)
    selection = selector.pick(shapes / "ring" / "01.mp4")
    np.testing.assert_allclose(selection.predictions, np.tile([0, 1, 0], (3, 1)), atol=1e-6)
    with pytest.raises(FrameSelectError, match=r"give them: score\(features, predictions\)"):
        selector.score(np.zeros((4, 3), np.float32))


def test_functions_of_others_run_only_if_they_are_trusted(two_streams, shapes):
    selector = Selector.load(two_streams.run)
    with pytest.raises(FrameSelectError, match="names code to run: own_backbones.*--trust-code"):
        selector.pick(shapes / "disc" / "00.mp4")
