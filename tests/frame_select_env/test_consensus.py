"""The consensus is exact: keeping every frame gives p1 == p0, in any order, with any padding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frame_select_env import FeatureCache, FrameSelectError, write_cache
from frame_select_env import consensus_table as module
from frame_select_env.consensus import (
    check_alpha,
    clipped_log,
    consensus,
    entropy,
    is_correct,
    margin,
    of_class,
    on_grid,
    weighted_mean,
)
from frame_select_env.consensus_table import consensus_table


def random_predictions(seed: int, batch: int, frames: int, classes: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=rng.uniform(0.1, 20), size=(batch, frames, classes))
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return (exp / exp.sum(-1, keepdims=True)).astype(np.float32)


def test_mean_of_the_selected_frames_by_hand():
    # Quarters and eighths are on the grid, so the means are exact.
    predictions = np.array([[[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]], np.float32)
    valid = np.ones((1, 3), bool)
    selected = np.array([[True, True, False]])
    assert consensus(predictions, valid, valid).tolist() == [[1.75 / 3, 1.25 / 3]]
    assert consensus(predictions, selected, valid).tolist() == [[0.375, 0.625]]


def test_alpha_weighs_the_frames_that_are_not_selected():
    # AS Eq. 10 with alpha = 1/2: (0.5 + 0.25 + 0.5 * 1) / (1 + 1 + 0.5) = 0.5.
    predictions = np.array([[[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]], np.float32)
    valid = np.ones((1, 3), bool)
    selected = np.array([[True, True, False]])
    assert consensus(predictions, selected, valid, alpha=0.5).tolist() == [[0.5, 0.5]]


def test_nothing_selected_is_zeros_or_with_alpha_p0():
    predictions = random_predictions(0, 50, 7, 3)
    valid = np.ones((50, 7), bool)
    nothing = np.zeros((50, 7), bool)
    assert not consensus(predictions, nothing, valid).any()
    p0 = consensus(predictions, valid, valid)
    for alpha in (0.1, 0.3, 1.0):  # to the bit: alpha p0 L / (alpha L) may be another number
        assert (consensus(predictions, nothing, valid, alpha) == p0).all()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    frames=st.integers(1, 40),
    classes=st.integers(1, 12),
    padding=st.integers(0, 9),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_order_padding_and_batch_change_no_bit(seed, frames, classes, padding, alpha):
    rng = np.random.default_rng(seed)
    predictions = random_predictions(seed, 5, frames, classes)
    valid = np.ones((5, frames), bool)
    selected = rng.random((5, frames)) < 0.5
    p1 = consensus(predictions, selected, valid, alpha)

    order = rng.permutation(frames)
    assert (consensus(predictions[:, order], selected[:, order], valid, alpha) == p1).all()

    def pad(values):
        return np.pad(values, [(0, 0), (0, padding)] + [(0, 0)] * (values.ndim - 2))

    assert (consensus(pad(predictions), pad(selected), pad(valid), alpha) == p1).all()
    alone = [
        consensus(predictions[i : i + 1], selected[i : i + 1], valid[:1], alpha)[0]
        for i in range(5)
    ]
    assert (np.array(alone) == p1).all()
    assert (
        consensus(predictions, valid, valid, alpha) == consensus(predictions, valid, valid)
    ).all()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 60))
def test_adding_frame_by_frame_gives_the_bits_of_the_sum(seed, frames):
    grid = on_grid(random_predictions(seed, 1, frames, 7)[0])
    running = np.zeros(7)
    for frame in np.random.default_rng(seed).permutation(frames):
        running += grid[frame]
    assert (running == grid.sum(0)).all()
    assert (running == np.ones(frames) @ grid).all()


def test_the_grid_moves_probabilities_by_less_than_float32_can_tell():
    predictions = random_predictions(1, 50, 20, 10)
    assert np.abs(on_grid(predictions) - predictions).max() <= 2.0**-41


def test_the_grid_scales_with_regression_values():
    values = np.array([[[1234.5], [-0.125]]])
    valid = np.ones((1, 2), bool)
    assert consensus(values, valid, valid, largest=1234.5).tolist() == [[617.1875]]


def test_empty_consensus_is_wrong_even_for_class_0():
    assert is_correct(np.array([[0.0, 0.0], [0.7, 0.3]]), np.array([0, 0])).tolist() == [
        False,
        True,
    ]


def test_weighted_mean_of_everything_is_p0_for_every_alpha():
    total_sum, total = np.array([[0.1, 0.2]]), np.array([3])
    for alpha in (0.0, 0.1, 0.7):
        mean = weighted_mean(total_sum, total, total_sum, total, alpha)
        assert (mean == total_sum / 3).all()


def test_too_many_frames_for_exact_sums():
    predictions = np.zeros((1, 4097, 1), np.float32)
    with pytest.raises(FrameSelectError, match="num_frames is 4097; it must be at most 4096"):
        consensus(predictions, predictions[..., 0] > 0, predictions[..., 0] == 0)


def test_4096_frames_are_not_too_many():
    predictions, every = np.ones((1, 4096, 1), np.float32), np.ones((1, 4096), bool)
    assert consensus(predictions, every, every).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("largest", "step"), [(0.25, -40), (1.0, -40), (1.5, -39), (2.0, -39), (2.5, -38), (9.0, -36)]
)
def test_values_are_rounded_to_the_nearest_step_of_the_grid(largest, step):
    values = 2.0**step * np.array([0.4, 0.6, 1.4, -0.6])
    assert (on_grid(values, largest) / 2.0**step).tolist() == [0, 1, 1, -1]


def test_the_margin_by_hand():
    probabilities = np.array([[0.5, 0.25, 0.125], [0.5, 0.25, 0.125]])
    assert margin(probabilities, np.array([0, 2])).tolist() == [0.25, -0.375]


def test_entropy_by_hand_and_logarithms_of_almost_nothing():
    probabilities = np.array([[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.25] * 4], np.float32)
    np.testing.assert_allclose(entropy(probabilities), [np.log(2), 0, np.log(4)])
    found = clipped_log(np.array([0.0, 1e-9, 1e-6, 1.0]))
    np.testing.assert_allclose(found, [np.log(1e-6)] * 3 + [0])


@pytest.fixture
def two_videos(tmp_path):
    """Videos of five frames, of which the last two tell class 1, and of two, which do too."""
    first = [[1.0, 0.0], [1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    videos = [
        {
            "id": f"v{row}",
            "label": 1,
            "split": "train",
            "features": np.ones((len(frames), 1), np.float32),
            "predictions": np.array(frames, np.float32),
        }
        for row, frames in enumerate((first, first[3:]))
    ]
    return FeatureCache(write_cache(tmp_path / "two.h5", videos, classes=["no", "yes"]))


@pytest.mark.parametrize("block", [1, 2, 1024])
def test_the_table_of_chunks_by_hand(two_videos, monkeypatch, block):
    monkeypatch.setattr(module, "FILL_BLOCK", block)
    table = consensus_table(two_videos, "default", "main", 6, 2)
    table.fill(np.array([1, 0, 1]))
    # Three chunks of two frames each: of the first video the last one has one frame, of the second
    # one only the first has any.
    assert table.chunks == 3 and table.total.tolist() == [5, 2]
    assert table.chunk_size.tolist() == [2, 2, 1, 2, 0, 0]
    assert table.chunk_sum[:3].tolist() == [[2, 0], [1, 1], [0, 1]]
    assert table.chunk_sum[3:].tolist() == [[0.25, 1.75], [0, 0], [0, 0]]
    assert table.total_sum.tolist() == [[3, 2], [0.25, 1.75]]
    assert table.p0.tolist() == [[0.6, 0.4], [0.125, 0.875]]
    assert table.correct_before.tolist() == [False, True]


def test_the_table_of_fewer_frames_than_the_video_has(two_videos):
    table = consensus_table(two_videos, "default", "main", 3)
    table.fill(np.array([0]))
    # floor((t + 1/2) 5 / 3): the frames 0, 2 and 4. The other video has not been filled in.
    assert table.total.tolist() == [3, 2] and table.chunk_size.tolist() == [1, 1, 1, 1, 1, 0]
    assert table.chunk_sum.tolist() == [[1, 0], [0.75, 0.25], [0, 1], [0, 0], [0, 0], [0, 0]]
    table.fill(np.array([0, 1]))
    assert table.total_sum.tolist() == [[1.75, 1.25], [0.25, 1.75]]


def test_environments_on_the_same_settings_share_a_table(two_videos):
    settings = ("default", "main", 4)
    table = consensus_table(two_videos, *settings)
    assert consensus_table(two_videos, *settings, 1) is table
    assert consensus_table(two_videos, *settings, 2) is not table
    assert consensus_table(two_videos, "default", "main", 5) is not table


@pytest.mark.parametrize("alpha", [0, 0.0, 0.5, 1, 1.0])
def test_alpha_is_a_share(alpha):
    check_alpha(alpha)


@pytest.mark.parametrize("alpha", [-0.001, 1.001, 1.5, 2, np.nan, "1", None])
def test_alpha_is_nothing_else(alpha):
    with pytest.raises(FrameSelectError, match="alpha=.*: must be a number from 0 to 1"):
        check_alpha(alpha)


def test_weighted_means_by_hand():
    kept_sum, kept = np.array([[1.0, 0.0], [1.5, 0.5], [0.0, 0.0]]), np.array([1, 2, 0])
    total_sum, total = np.array([[1.5, 1.5]] * 3), np.array([3, 3, 3])
    given = kept_sum, kept, total_sum, total
    assert weighted_mean(*given).tolist() == [[1, 0], [0.75, 0.25], [0, 0]]
    # (1 + (1.5 - 1) / 2) / (1 + 2 / 2), and (1.5 + 0) / (2 + 1 / 2)
    assert weighted_mean(*given, alpha=0.5).tolist() == [[0.625, 0.375], [0.6, 0.4], [0.5, 0.5]]


def test_frames_of_several_classes_by_hand():
    probabilities = np.array([[[0.5, 0.25, 0.25], [0, 1, 0]], [[0.25, 0.25, 0.5], [1, 0, 0]]])
    label = np.array([[0, 2], [2, 0]])
    assert of_class(probabilities, label).tolist() == [[0.5, 0], [0.5, 1]]
    assert margin(probabilities, label).tolist() == [[0.25, -1], [0.25, 1]]
    np.testing.assert_allclose(entropy(probabilities), np.log(2) * np.array([[1.5, 0], [1.5, 0]]))
    assert of_class(probabilities[:, 0], label[:, 0]).tolist() == [0.5, 0.5]
    assert of_class(probabilities[::-1, 0, ::-1], np.array([0, 1])).tolist() == [0.5, 0.25]


def test_only_the_label_itself_is_right():
    p1 = np.array([[0.2, 0.3, 0.5], [0.2, 0.5, 0.3], [0.5, 0.2, 0.3]])
    label = np.array([1, 1, 1])
    assert is_correct(p1, label).tolist() == [False, True, False]
    # Whoever knows which are unanswered says so.
    unanswered = np.array([False, True, False])
    assert is_correct(p1, label, unanswered).tolist() == [False, False, False]


@pytest.mark.parametrize("videos", [1, 2, 3, 5, 99])
@pytest.mark.parametrize("chunk", [1, 2])
def test_selections_are_summed_in_blocks_of_any_number_of_videos(
    two_videos, monkeypatch, videos, chunk
):
    cache = two_videos
    table = consensus_table(cache, "default", cache.stream(None), 6, chunk)
    table.fill(np.array([0, 1]))
    monkeypatch.setattr(module, "SUM_BLOCK", videos * table.chunks * 2 + 1)
    video = np.array([0, 1, 1, 0, 0, 1, 0, 0])
    keep = np.random.default_rng(0).random((8, table.chunks)) < 0.7
    selected = keep.repeat(chunk, axis=1)[:, :6]
    sums = table.chunk_sum.reshape(2, table.chunks, 2)[video]
    expected = (sums * keep[..., None]).sum(axis=1)
    np.testing.assert_array_equal(table.sum_selected(video, selected), expected)
    assert expected.any(axis=1).all()


def test_a_table_reads_each_video_once(two_videos, monkeypatch):
    cache, read = two_videos, []
    table = consensus_table(cache, "default", cache.stream(None), 6)
    reading = cache.read_predictions
    monkeypatch.setattr(
        cache,
        "read_predictions",
        lambda rows, *more: (read.append(rows.tolist()), reading(rows, *more))[1],
    )
    for rows in ([1], [1, 1], [0, 1], [0], [1, 0]):
        table.fill(np.array(rows))
    assert read == [[1], [0]]
    assert table.valid.tolist() == [[True] * 5 + [False], [True] * 2 + [False] * 4]


def test_unless_told_predictions_are_rounded_to_the_grid_of_probabilities():
    smallest = np.array([[[2.0**-40, 1.0]]])
    every = np.ones((1, 1), bool)
    assert consensus(smallest, every, every).tolist() == [[2.0**-40, 1.0]]
    assert on_grid(smallest).tolist() == smallest.tolist()
