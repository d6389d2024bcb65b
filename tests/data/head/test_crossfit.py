"""Cross-fitting: no video is predicted by a head that trained on it; choosing the penalty."""

import numpy as np
import pytest

from data.head.crossfit import PENALTIES, _fit_path, _overfits, fit_heads, strongest_within
from data.head.linear import TrainingVideos


def noise(videos: int = 60, size: int = 80) -> TrainingVideos:
    """Labels that have nothing to do with the features, and features enough to learn by heart."""
    rng = np.random.default_rng(3)
    frames = rng.normal(size=(videos, 2, size)) + rng.normal(size=(videos, 1, size))
    return TrainingVideos(
        frames.reshape(-1, size).astype(np.float32), np.full(videos, 2), np.arange(videos) % 3
    )


def training_accuracy(videos: TrainingVideos, **options: object) -> float:
    heads = fit_heads(videos, 3, **options)  # type: ignore[arg-type]
    right = 0
    for place in range(len(videos)):
        frames = videos.frames[2 * place : 2 * place + 2]
        mean = heads.for_training_video(place).predict(frames).mean(axis=0)
        right += mean.argmax() == videos.labels[place]
    return right / len(videos)


def test_in_sample_noise_looks_learnt_and_cross_fitted_noise_does_not() -> None:
    videos = noise()
    assert training_accuracy(videos, crossfit="none") > 0.8
    assert training_accuracy(videos, crossfit="video") < 0.55
    groups = np.array([f"g{place % 7}" for place in range(60)])
    assert training_accuracy(videos, crossfit="group", groups=groups) < 0.55


@pytest.mark.parametrize("crossfit", ["video", "group"])
def test_a_part_is_predicted_by_a_head_trained_on_the_others(crossfit: str) -> None:
    videos = noise(size=5)
    groups = np.array([f"g{place % 4}" for place in range(60)])
    heads = fit_heads(videos, 3, crossfit=crossfit, groups=groups)  # type: ignore[arg-type]
    steps = PENALTIES.index(heads.penalty) + 1
    for number in range(heads.part.max() + 1):
        again = list(_fit_path(videos.part(heads.part != number), 3, steps))[-1]
        place = int(np.flatnonzero(heads.part == number)[0])
        np.testing.assert_array_equal(heads.for_training_video(place).weight, again.weight)
    whole = list(_fit_path(videos, 3, steps))[-1]
    np.testing.assert_array_equal(heads.final.weight, whole.weight)


def test_groups_are_left_out_whole() -> None:
    groups = np.array([f"g{place % 4}" for place in range(60)])
    heads = fit_heads(noise(size=3), 3, crossfit="group", groups=groups)
    for name in np.unique(groups):
        assert len(np.unique(heads.part[groups == name])) == 1
    assert len(heads.parts) == 4


def test_how_training_videos_are_predicted_changes_nothing_else() -> None:
    videos, groups = noise(size=5), np.array([f"g{place % 4}" for place in range(60)])
    kinds = ("video", "group", "none")
    heads = [fit_heads(videos, 3, crossfit=one, groups=groups) for one in kinds]
    for one in heads[1:]:
        assert (one.penalty, one.score) == (heads[0].penalty, heads[0].score)
        np.testing.assert_array_equal(one.final.weight, heads[0].final.weight)


def test_none_keeps_the_one_head() -> None:
    heads = fit_heads(noise(size=3), 3, crossfit="none")
    assert heads.parts == []
    assert heads.for_training_video(0) is heads.final


def test_the_score_is_the_cross_validated_accuracy() -> None:
    videos = noise(size=5)
    heads = fit_heads(videos, 3, crossfit="video")
    right = [
        heads.for_training_video(i).predict(videos.frames[2 * i : 2 * i + 2]).mean(axis=0).argmax()
        == videos.labels[i]
        for i in range(len(videos))
    ]
    assert heads.score == pytest.approx(np.mean(right))


def test_the_standard_error_rule_by_hand() -> None:
    # Four videos. Means 0.25, 0.5, 0.75, 0.5; the best has the standard error
    # sqrt(0.75 · 0.25) / sqrt(4) = 0.2165, so 0.5335 and more will do: the third.
    scores = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0]], float)
    assert strongest_within(scores) == 2
    # Sixteen videos, means 8, 11, 12 of 16; error 0.108: 0.6417 will do, which 11 / 16 meets.
    sixteen = np.array([[1.0] * right + [0.0] * (16 - right) for right in (8, 11, 12)])
    assert strongest_within(sixteen) == 1


def test_equal_scores_go_to_the_stronger_penalty() -> None:
    assert strongest_within(np.ones((5, 8))) == 0


def test_a_class_of_one_video_and_two_videos_in_all() -> None:
    frames = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    lone = TrainingVideos(frames, np.array([1, 1, 1, 1]), np.array([0, 0, 0, 1]))
    heads = fit_heads(lone, 2)
    assert all(np.isfinite(h.predict(frames)).all() for h in [heads.final, *heads.parts])
    two = TrainingVideos(frames[1:3], np.array([1, 1]), np.array([0, 1]))
    assert len(fit_heads(two, 2).parts) == 2


def test_penalties_that_only_get_worse_end_the_search() -> None:
    rising = np.array([[0.0, 0.0], [0, 1], [1, 1], [0, 1]])
    assert not _overfits(rising[:0]) and not _overfits(rising)
    assert _overfits(np.array([*rising, [0, 1.0]]))
    assert not _overfits(np.array([*rising, [1, 1.0]]))  # as good as the best
    fits: list[int] = []
    heads = fit_heads(noise(size=5), 3, on_fit=lambda: fits.append(1))
    assert 4 < len(fits) <= len(PENALTIES) + 1 and heads.penalty in PENALTIES
