"""The pictures: what they show, and that they are drawn for every kind of cache."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from agents.evaluation import VideoResults, evaluate
from agents.pictures.curves import plot_curves, spread
from agents.pictures.strips import default_frames, plot_strips, telling_videos
from frame_select_env import FrameSelectError


def results(error, probability, selected=None):
    count = len(error)
    selected = np.ones((count, 1, 3), bool) if selected is None else selected[:, None]
    predicted = np.zeros(count, int)
    return VideoResults(selected, predicted, np.array(probability), np.array(error, float))


def test_telling_videos_are_the_most_rescued_then_the_most_broken():
    whole = results([1, 1, 0, 0, 1, 0], [0.3, 0.2, 0.6, 0.9, 0.1, 0.8])
    part = np.tile([True, False, False], (6, 1))
    kept = results([0, 0, 1, 1, 1, 0], [0.5, 0.7, 0.4, 0.1, 0.2, 0.9], part)
    # Rescued: 1 (by 0.5) before 0 (by 0.2); broken: 3 (by 0.8) before 2 (by 0.2).
    assert telling_videos(whole, [kept], 2, 1).tolist() == [1, 0, 3]
    # Too few rescued: the right or wrong ones whose p_c rose most stand in, 4 and 5 by row.
    assert telling_videos(whole, [kept], 4, 2, fill=True).tolist()[:2] == [1, 0]
    assert sorted(telling_videos(whole, [kept], 4, 2, fill=True).tolist()[2:4]) == [4, 5]


def test_something_is_shown_when_nothing_was_dropped():
    whole = results([0, 1], [0.6, 0.4])
    assert len(telling_videos(whole, [whole], 2, 1, fill=True)) == 2


def test_labels_are_spread_apart_and_stay_in_order():
    assert spread([0.1, 0.9], 0.2) == [0.1, 0.9]
    np.testing.assert_allclose(spread([0.5, 0.5, 0.5], 0.1), [0.4, 0.5, 0.6])
    places = spread([0.0, 0.1, 0.12, 0.13, 0.9], 0.08)
    assert (np.diff(places) >= 0.08 - 1e-12).all()
    assert places[-1] == 0.9


@pytest.fixture
def found(plant, telling_free):
    cache = plant(thumbnails=True)
    return evaluate(cache, {"mine": [telling_free(), telling_free(1)]}, frames=(2, 4), resamples=20)


def test_curves(found, tmp_path):
    backend, size = mpl.get_backend(), mpl.rcParams["font.size"]
    plot_curves(tmp_path / "curves.png", found)
    image = imread(tmp_path / "curves.png")
    assert image.shape[:2] == (660, 1140)
    # The agent's vermilion, #D55E00, is there.
    assert (np.abs(image[..., :3] - np.array([0xD5, 0x5E, 0x00]) / 255).max(axis=2) < 0.02).any()
    assert (mpl.get_backend(), mpl.rcParams["font.size"]) == (backend, size)
    with pytest.raises(FrameSelectError, match="figure='mae': this task has: accuracy"):
        plot_curves(tmp_path / "other.png", found, "mae")


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_other_formats(found, tmp_path, suffix):
    path = tmp_path / f"curves{suffix}"
    plot_curves(path, found)
    assert path.read_bytes()[:5] in (b"<?xml", b"%PDF-")


@pytest.mark.parametrize("figure", ["pcc", "mae"])
def test_curves_of_a_regression(plant, telling, tmp_path, figures, figure):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, frames=(2, 5), resamples=20)
    plot_curves(tmp_path / "curves.png", found, figure)
    (axes,) = figures["curves.png"].axes
    lines = [np.column_stack(line.get_data()).tolist() for line in axes.lines]

    def value(name, frames):
        return found.row(name, frames).figures[figure].value

    for name in ("mine", "random", "oracle"):
        assert [[2, value(name, 2)], [5, value(name, 5)]] in lines
    assert [[0, value("all", "all")], [1, value("all", "all")]] in lines  # as wide as the axes
    names = [text.get_text() for text in axes.texts]
    assert {"mine", "random", "oracle (sees the label)", "all frames"} <= set(names)


def test_strips_are_the_same_every_time(found, tmp_path):
    for name in ("one", "two"):
        plot_strips(tmp_path / f"{name}.png", found, ["mine"], "chosen")
    one, two = (imread(tmp_path / f"{name}.png") for name in ("one", "two"))
    np.testing.assert_array_equal(one, two)
    plot_strips(tmp_path / "other.png", found, ["mine"], 2, rescued=1, broken=0)
    assert len(imread(tmp_path / "other.png")) < len(one)


def cells(axes):
    """All cells, and those with the border of a kept frame."""
    every = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    widest = max(cell.get_linewidth() for cell in every)
    return every, [cell for cell in every if cell.get_linewidth() == widest]


def test_strips_of_a_ranking_whose_scores_depend_on_m(found, tmp_path, figures):
    assert plot_strips(tmp_path / "strips.png", found, ["uniform"], 4, rescued=2, broken=1)
    (axes,) = figures["strips.png"].axes
    names = [text.get_text() for text in axes.texts]
    every, kept = cells(axes)
    assert names.count("uniform") == 3
    assert len(kept) == 3 * 4 < len(every) == len(axes.images)  # each frame has a thumbnail
    # Two videos are put right, a third is got wrong; before, it was the other way round.
    titles = [name for name in names if "   |   true: " in name]
    assert [title[-1] for title in titles] == ["✗", "✗", "✓"]
    assert [name[-1] for name in names if name[-1:] in "✗✓" and name not in titles] == [*"✓✓✗"]


def test_strips_of_a_regression_in_colour(plant, telling, tmp_path, figures):
    lengths = np.full(100, 6)
    tiles = np.random.default_rng(0).integers(0, 256, (100, 6, 8, 8, 3)).astype(np.uint8)
    cache = plant(regression=True, lengths=lengths, thumbnail=tiles)
    found = evaluate(cache, {"mine": [telling()]}, resamples=20)
    frames = default_frames(found, "mine")
    assert frames == "chosen"
    plot_strips(tmp_path / "strips.png", found, ["mine"], frames)
    (axes,) = figures["strips.png"].axes
    names = [text.get_text() for text in axes.texts]
    videos = names.count("mine")
    assert videos > 0 and len(cells(axes)[0]) == len(axes.images) == 6 * videos
    shown = np.array([image.get_array() for image in axes.images]).reshape(videos, 6, 8, 8, 3)
    titles = [name for name in names if "   |   true: " in name]
    for title, frames in zip(titles, shown, strict=True):
        (row,) = np.flatnonzero((tiles == frames).all(axis=(1, 2, 3, 4)))
        assert title.startswith(f"{cache.ids[row]}   |   true: {cache.labels[row, 0]:.2f} ")
    assert len(axes.lines) == 3 * videos  # three frames of each are underlined: they tell the label
    assert sum(name.startswith("error ") for name in names) == videos


def test_strips_that_cannot_be_drawn(found, tmp_path):
    path = tmp_path / "strips.png"
    for names, frames, run, message in (
        (["yours"], "chosen", 0, "no results of 'yours' at frames chosen; it has no rows"),
        (["mine"], 7, 0, "no results of 'mine' at frames 7; it has chosen"),
        (["mine"], 2, 2, "run=2: 'mine' has 2 runs"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            plot_strips(path, found, names, frames, run=run)
    assert not path.exists()


def test_strips_without_thumbnails(plant, telling, tmp_path, figures):
    found = evaluate(plant(), {"mine": [telling()]}, references=False, resamples=20)
    assert plot_strips(tmp_path / "strips.png", found, ["mine"], 4)
    (axes,) = figures["strips.png"].axes
    videos = [text.get_text() for text in axes.texts].count("mine")
    assert not axes.images and len(cells(axes)[1]) == 4 * videos > 0


def test_what_is_drawn_by_default(found):
    # The first run's choice, else its free choice, else the least m, whichever drops frames first.
    assert default_frames(found, "mine") == "chosen"
    assert found.chosen["confidence"] == ("all",)
    assert default_frames(found, "confidence") == "2"
    assert default_frames(found, "pooled") == "all"
