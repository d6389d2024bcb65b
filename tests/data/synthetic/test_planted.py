"""Planted videos: the key frames are the best selection, provably, at every size and difficulty."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from processes import run_module
from scipy.stats import norm

import frame_select_env  # noqa: F401 - registers the environments
from data.__main__ import main
from data.synthetic.planted import Recipe, planted_videos, write_planted
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.consensus import consensus, is_correct

SMALL = Recipe(videos=12, frames=8, classes=4, features=3, key_share=0.4, runs=2)
SHAPES = [
    SMALL,
    replace(SMALL, classes=2),
    replace(SMALL, classes=3, key_share=0.5, runs=0),
    replace(SMALL, classes=40, key_share=0.01, runs=1, features=1),
    replace(SMALL, frames=2, key_share=0.5, runs=1),
    replace(SMALL, frames=3, key_share=0.5, runs=1),
]


@pytest.mark.parametrize("difficulty", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("recipe", SHAPES, ids=str)
def test_no_selection_is_better_than_the_key_frames(
    tmp_path: Path, recipe: Recipe, difficulty: float
) -> None:
    """By brute force: every non-empty selection of every video."""
    path = write_planted(tmp_path / "p.h5", replace(recipe, difficulty=difficulty))
    every = np.array(list(product([0, 1], repeat=recipe.frames)), bool)[1:]
    env = gym.make_vec(
        "FrameSelect/OneShot-v0",
        num_envs=len(every),
        data=str(path),
        num_frames=recipe.frames,
        observation="index",
        target_frames=1,
    )
    cache = env.unwrapped.cache
    for row in range(recipe.videos):
        key = cache.read_frames("importance", np.array([row]), recipe.frames)[0] == 1
        env.reset(options={"video": row})
        _, rewards, _, _, info = env.step(every)
        true = info["p1"][:, cache.labels[row]]
        within = ~(every & ~key).any(axis=1)
        best = true[(every == key).all(axis=1)].item()
        # The best are the key frames and their parts, to the last bit; the rest is clearly worse.
        assert best > 0.69 and (true[within] == best).all() and within.sum() == 2 ** key.sum() - 1
        assert (true[~within] < best - 0.005).all()
        assert info["correct_after"][within].all()
        assert rewards[within].min() == rewards.max() > 0
        assert rewards.max() == (1 if info["correct_before"][0] else 10)


@pytest.mark.parametrize("recipe", SHAPES, ids=str)
def test_every_value_is_in_order(tmp_path: Path, recipe: Recipe) -> None:
    cache = FeatureCache(write_planted(tmp_path / "p.h5", recipe))
    assert list(cache.check_values()) == list(range(recipe.videos))
    assert cache.features().shape == (recipe.videos * recipe.frames, recipe.features)
    assert cache.predictions().shape == (recipe.videos * recipe.frames, recipe.classes)
    assert (cache.lengths == recipe.frames).all()
    assert cache.predictions().min() >= 0
    assert cache.provenance["source"] == "planted"
    assert cache.provenance["key_share"] == recipe.key_share


def stacked(recipe: Recipe) -> dict[str, np.ndarray]:
    videos = list(planted_videos(recipe))
    names = ("label", "features", "predictions", "importance")
    return {name: np.stack([video[name] for video in videos]) for name in names}


def right(videos: dict[str, np.ndarray], selected: np.ndarray | None = None) -> np.ndarray:
    """Which videos a selection [N, L] (all frames, if None) gets right, [N] bool."""
    valid = np.ones(videos["importance"].shape, bool)
    chosen = valid if selected is None else selected
    return is_correct(consensus(videos["predictions"], chosen, valid), videos["label"])


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(videos=400),
        Recipe(videos=400, classes=2, frames=60, key_share=0.5, runs=3),
        Recipe(videos=400, classes=51, frames=7, key_share=0.02, runs=0, seed=3),
    ],
    ids=str,
)
def test_difficulty_is_the_share_that_all_frames_get_wrong(recipe: Recipe) -> None:
    earlier = np.ones(recipe.videos, bool)
    for difficulty in (0.0, 0.25, 0.5, 0.75, 1.0):
        videos = stacked(replace(recipe, difficulty=difficulty))
        answers = right(videos)
        # Four standard deviations of a binomial share; none at the ends.
        spread = 4 * np.sqrt(difficulty * (1 - difficulty) / recipe.videos)
        assert abs(answers.mean() - (1 - difficulty)) <= spread
        # What was wrong stays wrong: it falls for every data set, not on average.
        assert not (answers & ~earlier).any()
        earlier = answers
        assert right(videos, videos["importance"] == 1).all()


def test_difficulty_changes_what_distractors_say_and_nothing_else() -> None:
    easy, hard = (stacked(replace(SMALL, difficulty=difficulty)) for difficulty in (0.0, 1.0))
    for name in ("label", "importance"):
        np.testing.assert_array_equal(easy[name], hard[name])
    np.testing.assert_array_equal(easy["features"][..., 0], hard["features"][..., 0])
    key = easy["importance"] == 1
    np.testing.assert_array_equal(easy["predictions"][key], hard["predictions"][key])
    assert (easy["predictions"][~key] != hard["predictions"][~key]).any(axis=1).all()


def test_distractors_differ_and_mislead_by_confidence_too() -> None:
    videos = stacked(Recipe(videos=300))
    key = videos["importance"] == 1
    told = videos["predictions"].argmax(axis=2)
    assert (told == videos["label"][:, None])[key].all()
    share = (told == videos["label"][:, None])[~key].mean()
    assert 0.05 < share < 0.5
    confidence = videos["predictions"].max(axis=2)
    assert confidence[~key].std() > 0.1
    # In many videos the most confident frame is not a key frame.
    most = confidence.argmax(axis=1)
    assert (~key[np.arange(300), most]).mean() > 0.2
    # Beside the true class and the decoy, others are told.
    assert max(len(set(told[row][~key[row]])) for row in range(300)) > 3


def runs_of(key: np.ndarray) -> int:
    return int((np.diff(key.astype(int), prepend=0) == 1).sum())


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_key_frames_form_the_runs_asked_for_anywhere(runs: int) -> None:
    videos = stacked(Recipe(videos=500, frames=20, key_share=0.25, runs=runs, features=1))
    key = videos["importance"] == 1
    assert (key.sum(axis=1) == 5).all()
    assert {runs_of(row) for row in key} == {runs}
    assert key.any(axis=0).all() and not key.all(axis=0).any()


def test_scattered_key_frames_are_uniform() -> None:
    key = stacked(Recipe(videos=2000, frames=10, key_share=0.3, runs=0, features=1))["importance"]
    assert (key.sum(axis=1) == 3).all()
    assert np.abs(key.mean(axis=0) - 0.3).max() < 0.045
    assert len({runs_of(row) for row in key}) == 3


@pytest.mark.parametrize("signal", [0.0, 1.0, 3.0])
def test_signal_is_how_far_key_frames_stand_out(signal: float) -> None:
    videos = stacked(Recipe(videos=300, signal=signal, features=5))
    key = videos["importance"] == 1
    feature = videos["features"][..., 0].astype(float)
    # Two normal distributions that far apart: how often a key frame's value is the larger.
    larger = (feature[key][:, None] > feature[~key][None, :]).mean()
    assert larger == pytest.approx(norm.cdf(signal / np.sqrt(2)), abs=0.03)


def test_features_hold_what_the_prediction_is() -> None:
    videos = stacked(Recipe(videos=200, classes=4, features=40))
    features = videos["features"].reshape(-1, 40).astype(float)[:, 1:]
    predictions = videos["predictions"].reshape(-1, 4)
    fitted = features @ np.linalg.lstsq(features[:2500], predictions[:2500], rcond=None)[0]
    told = predictions.argmax(axis=1) == fitted.argmax(axis=1)
    assert told[2500:].mean() > 0.5


def same(left: dict, right: dict) -> bool:
    return all(np.array_equal(left[name], right[name]) for name in left)


def test_the_first_videos_do_not_depend_on_their_number_and_none_waits_for_the_last() -> None:
    few = list(planted_videos(replace(SMALL, videos=5)))
    many = islice(planted_videos(replace(SMALL, videos=10**12)), 5)
    assert all(same(*pair) for pair in zip(few, many, strict=True))
    other = list(planted_videos(replace(SMALL, videos=5, seed=1)))
    assert not any(same(*pair) for pair in zip(few, other, strict=True))
    assert {video["split"] for video in few} == {"train", "val", "test"}


def test_the_command_makes_the_same_file_twice(tmp_path: Path) -> None:
    files = []
    for name in ("a.h5", "b.h5"):
        arguments = ["--videos", "20", "--frames", "9", "--classes", "3", "--features", "4"]
        arguments += ["--key-share", "0.3", "--difficulty", "0.2", "--runs", "0", "--seed", "5"]
        done = run_module("data", ["planted", name, *arguments], tmp_path)
        assert done.returncode == 0, done.stderr
        assert "20 videos, 180 frames" in done.stdout and "accuracy %" in done.stdout
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    assert "planted" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_info:
        main(["planted", "--help"])
    assert exit_info.value.code == 0
    text = capsys.readouterr().out
    options = ("videos", "frames", "classes", "features", "key-share", "difficulty", "runs")
    for option in (*options, "signal", "streams", "views", "seed"):
        assert f"--{option}" in text
    assert "OUT.h5" in text


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--videos", "4", "videos=4: must be an integer of at least 5"),
        ("--frames", "1", "frames=1: must be an integer of at least 2"),
        ("--classes", "1", "classes=1: must be an integer of at least 2"),
        ("--features", "0", "features=0: must be an integer of at least 1"),
        ("--key-share", "0", "key_share=0.0: must be above 0 and at most 0.5"),
        ("--key-share", "0.6", "key_share=0.6: must be above 0 and at most 0.5"),
        ("--difficulty", "1.5", "difficulty=1.5: must be from 0 to 1"),
        ("--difficulty", "nan", "difficulty=nan: must be from 0 to 1"),
        ("--runs", "6", "runs=6: must be at most 5, the number of key frames"),
        ("--runs", "-1", "runs=-1: must be an integer of at least 0"),
        ("--signal", "inf", "signal=inf: must be from 0 to 100"),
        ("--seed", "-1", "seed=-1: must be an integer of at least 0"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(
    failure: Callable[..., str], tmp_path: Path, option: str, value: str, message: str
) -> None:
    assert message in failure("planted", tmp_path / "p.h5", option, value)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written(failure: Callable[..., str], tmp_path: Path) -> None:
    assert "give the name of a file to write" in failure("planted", tmp_path)
    assert "does not exist; create it first" in failure("planted", tmp_path / "nowhere" / "p.h5")
    assert not list(tmp_path.iterdir())


def test_a_recipe_takes_whole_numbers_only() -> None:
    with pytest.raises(FrameSelectError, match="videos=5.5: must be an integer"):
        Recipe(videos=5.5)  # type: ignore[arg-type]
