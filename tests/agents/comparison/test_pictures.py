"""The pictures of a comparison, and what they are drawn from."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from agents.comparison.gallery import draw_pictures, profile_panels, slugs
from agents.comparison.results import common_frames
from agents.comparison.statistics import compare_data_sets
from agents.evaluation import VideoResults
from agents.pictures.comparison import mean_curve, plot_learning
from agents.pictures.curves import within
from agents.pictures.profiles import plot_profiles
from agents.pictures.strips import shades, telling_videos
from agents.pictures.style import LONGEST, line_styles, plain

TWO = {"sharp": 0.1, "blunt": 2.0}


def draw(folder, data_sets):
    return draw_pictures(folder, compare_data_sets(data_sets))


def results(error, probability):
    count = len(error)
    part = np.ones((count, 1, 3), bool)
    return VideoResults(part, np.zeros(count, int), np.array(probability), np.array(error, float))


def test_every_data_set_has_its_pictures(make_data_set, planted, regression, tmp_path, figures):
    data_sets = [make_data_set(planted, TWO), make_data_set(regression, TWO, stream="video")]
    paths = [picture.path for picture in draw(tmp_path, data_sets)]
    assert [path.name for path in paths] == [
        *("gains.png", "profiles.png", "pairs.png"),
        *("frames-planted.png", "learning-planted.png"),
        *("videos-planted.png", "frames-regression.png", "learning-regression.png"),
        "videos-regression.png",
    ]
    for path in paths:
        texts = " ".join(text.get_text() for text in figures[path.name].findobj(Text))
        assert "sharp" in texts and "blunt" in texts
        height, width = imread(path).shape[:2]
        assert (width, height) == figures[path.name].canvas.get_width_height()
    # The first label's vermilion, #D55E00.
    image = imread(tmp_path / "videos-planted.png")[..., :3]
    assert (np.abs(image - np.array([0xD5, 0x5E, 0x00]) / 255).max(axis=2) < 0.02).any()


def test_learning_curves_say_what_was_validated(make_data_set, regression, tmp_path, figures):
    plain = make_data_set(regression, TWO, stream="video")
    own = {"validation_metric": "pcc", "validate": "answer"}
    told = {
        name: tuple(replace(run, hyper=own) for run in runs) for name, runs in plain.runs.items()
    }
    for runs, expected in (
        (plain.runs, "minus validation MAE at m"),
        (told, "validation PCC"),
        ({**plain.runs, "sharp": told["sharp"]}, "minus validation MAE or validation PCC"),
    ):
        plot_learning(tmp_path / "learning.png", replace(plain, runs=runs))
        assert figures["learning.png"].axes[0].get_ylabel() == expected


def test_learning_is_drawn_against_episodes_steps_and_seconds(
    make_data_set, planted, tmp_path, figures
):
    plot_learning(tmp_path / "learning.png", make_data_set(planted, TWO))
    panels = figures["learning.png"].axes
    labels = ["episodes scored", "environment steps", "seconds of training"]
    assert [axes.get_xlabel() for axes in panels] == labels
    for axes, last in zip(panels, (150, 600, 1.5), strict=True):
        sharp = axes.lines[0]
        assert sharp.get_label() == "sharp" and sharp.get_xdata()[-1] == last
        assert sharp.get_ydata()[-1] == pytest.approx(80)
    # The other scores no episodes.
    assert [axes.lines[1].get_linestyle() for axes in panels] == [":", ":", "-"]


def test_profiles_are_steps_down_from_all_runs_to_none(make_data_set, planted, tmp_path, figures):
    data_set = make_data_set(planted, TWO)
    gains = 100 * data_set.gain("sharp", "chosen").mean(axis=1)
    for data_sets, xlabel, ends in (
        ([data_set, data_set], "normalised score", [0, 1]),
        ([data_set], "gain, points of accuracy", [0]),
    ):
        plot_profiles(tmp_path / "profiles.png", profile_panels(compare_data_sets(data_sets)))
        (axes,) = figures["profiles.png"].axes
        assert axes.get_xlabel() == xlabel
        lines = {line.get_label(): line for line in axes.lines}
        assert [line.get_xdata()[0] for line in axes.lines[: len(ends)]] == ends
        for label in TWO:
            share = np.asarray(lines[label].get_ydata())
            assert (share[0], share[-1]) == (1, 0) and (np.diff(share) <= 0).all()
    below = np.asarray(lines["sharp"].get_xdata()) < gains.min() - 1e-9
    assert (np.asarray(lines["sharp"].get_ydata())[below] == 1).all() and below.any()


def test_pictures_are_the_same_every_time(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, {"alone": 0.5}, seeds=(0,))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        draw(tmp_path / name, [data_set])
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_what_there_is_nothing_of_is_left_out(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, {"alone": 0.5}, metrics=False)
    kinds = [one.kind for one in draw(tmp_path, [data_set])]
    assert kinds == ["gains", "profiles", "frames", "videos"]
    assert not (tmp_path / "learning-planted.png").exists()


def test_metrics_that_were_cut_off(make_data_set, planted, tmp_path):
    data_set = make_data_set(planted, {"alone": 0.5})
    for run in data_set.runs["alone"]:
        with (run.folder / "metrics.csv").open("a") as file:
            file.write("4,200")
    assert "learning" in [one.kind for one in draw(tmp_path, [data_set])]


def test_many_agents_with_odd_and_long_names(make_data_set, planted, tmp_path):
    labels = {f"agent {place} $x$ <i> {'long ' * 12}": 0.3 * place for place in range(13)}
    data_set = make_data_set(planted, labels, seeds=(0,))
    kinds = [one.kind for one in draw(tmp_path, [data_set])]
    # 78 pairs are a table
    assert kinds == ["gains", "profiles", "frames", "learning", "videos"]


def test_slugs_are_apart(make_data_set, planted):
    data_set = make_data_set(planted, {"alone": 0.5})
    assert slugs([data_set]) == ["planted"]
    assert slugs([data_set, data_set]) == ["planted-1", "planted-2"]


def test_line_styles_are_distinct():
    labels = [str(place) for place in range(24)]
    assert len(set(line_styles(labels).values())) == 24


def test_plain_names():
    assert plain("a$b$") == "a$b$"
    assert len(plain("x" * 99)) == LONGEST and "…" in plain("x" * 99)


def test_names_stay_beside_the_axes():
    assert within([0.2, 0.5], 0.1) == [0.2, 0.5]
    np.testing.assert_allclose(within([0.9, 1.0, 1.1], 0.1), [0.8, 0.9, 1.0])
    np.testing.assert_allclose(within([-0.3, -0.2], 0.1), [0.0, 0.1])


def test_mean_curve_holds_the_last_value():
    long = np.array([[10, 0.5], [30, 0.9]])
    short = np.array([[5, 0.2], [20, 0.4]])
    places, values = mean_curve([long, short])
    assert (places[0], places[-1]) == (10, 30)
    np.testing.assert_allclose(values[:, 0], [0.5, 0.2 + 0.2 / 3])
    np.testing.assert_allclose(values[:, -1], [0.9, 0.4])


def test_telling_videos():
    whole = results([1, 1, 0, 0, 1, 0], [0.3, 0.2, 0.6, 0.9, 0.1, 0.8])
    one = results([0, 0, 1, 1, 1, 0], [0.5, 0.7, 0.4, 0.1, 0.2, 0.9])
    two = results([0, 1, 0, 1, 1, 0], [0.5, 0.2, 0.6, 0.1, 0.1, 0.8])
    # Both put 0 right, one of them 1; both got 3 wrong, one of them 2.
    assert telling_videos(whole, [one, two], 3, 2).tolist() == [0, 1, 3, 2]
    assert telling_videos(whole, [one], 1, 1).tolist() == [1, 3]
    assert telling_videos(whole, [whole], 3, 2).tolist() == []


def test_shades():
    scores = np.array([1.0, 3.0, 2.0, -np.inf, 9.0])
    valid = np.array([True, True, True, True, False])
    np.testing.assert_equal(shades(scores, valid), [0.0, 1.0, 0.5, np.nan, np.nan])
    np.testing.assert_equal(shades(np.ones(2), np.ones(2, bool)), [0.5, 0.5])
    assert np.isnan(shades(np.full(2, np.nan), np.ones(2, bool))).all()


@pytest.mark.parametrize("m", [2, 4])
def test_the_m_that_was_trained_for_is_drawn(make_data_set, planted, m):
    data_set = make_data_set(planted, {"alone": 0.5})
    runs = [replace(run, spec=replace(run.spec, target_frames=m)) for run in data_set.runs["alone"]]
    trained = replace(data_set, runs={"alone": tuple(runs)})
    assert common_frames([trained], ["alone"]) == str(m)
