"""How the video models of Hugging Face are shown frames, and how fast."""

import pytest

from data.backbones.hugging_face import clip_rate, preprocessing


def test_what_a_processor_leaves_out() -> None:
    class Bare:
        do_rescale = False
        do_normalize = False

    class Config:
        image_size = (32, 48)

    side, size, mean, deviation = preprocessing(Bare(), Config())
    assert (side, size) == (32, 32)
    # The network wants 0 to 255.
    assert mean == [0.0] * 3
    assert deviation == [1 / 255] * 3


@pytest.mark.parametrize(
    ("kind", "frames", "seconds"),
    [
        # The time from the first to the last frame of a clip in the papers, at 30 a second.
        ("videomae", 16, 15 * 4 / 30),
        ("vivit", 32, 31 * 2 / 30),
        ("timesformer", 8, 7 * 32 / 30),
        ("timesformer", 96, 95 * 4 / 30),
    ],
)
def test_clips_last_as_long_as_those_of_the_papers(kind: str, frames: int, seconds: float) -> None:
    assert (frames - 1) / clip_rate(kind, frames) == pytest.approx(seconds)
