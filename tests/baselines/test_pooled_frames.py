"""The pooling rows beside DFAN: which frames are pooled, how, and that padding changes nothing."""

import pytest
import torch

from baselines.pooled_frames import PooledFrames, sampled_frames


def test_ten_frames_spread_over_the_video_are_sampled():
    valid = torch.arange(25) < torch.tensor([25, 13, 10, 3])[:, None]
    chosen = sampled_frames(valid)
    assert chosen[0].nonzero().flatten().tolist() == [1, 3, 6, 8, 11, 13, 16, 18, 21, 23]
    assert chosen[1].nonzero().flatten().tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 11, 12]
    assert chosen[2:].sum(1).tolist() == [10, 3] and not (chosen & ~valid).any()


def identity(pooling):
    """A network whose logits are the pooled features, one of a frame and one of its objects."""
    made = PooledFrames(1, 1, 2, 2, pooling).eval()
    with torch.no_grad():
        for layer in (made.classify[1], made.classify[4]):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
    return made


FRAMES = torch.tensor([[[1.0], [4.0], [1.0], [9.0]]])
OBJECTS = torch.tensor([[[[3.0], [1.0]], [[2.0], [8.0]], [[0.0], [0.0]], [[9.0], [9.0]]]])
PRESENT = torch.tensor([[[True, True], [True, False], [False, False], [True, True]]])
VALID = torch.tensor([[True, True, True, False]])


@pytest.mark.parametrize(
    ("pooling", "answer", "weights"),
    [
        ("average", [4 / 3, 2.0], [1 / 3, 1 / 3, 1 / 3, 0.0]),
        ("max", [2.0, 4.0], [0.5, 0.5, 0.0, 0.0]),  # each feature is largest in one frame
    ],
)
def test_pooling_by_hand(pooling, answer, weights):
    """Present objects are averaged over a frame: 2, 2 and nothing; the padding counts nowhere."""
    objects = OBJECTS.clone()
    objects[0, 1, 1] = 0.0  # missing objects are zeros
    focus = identity(pooling)(FRAMES, objects, PRESENT, VALID)
    for step in range(3):
        torch.testing.assert_close(focus.logits[0, step], torch.tensor(answer))
        torch.testing.assert_close(focus.time[0, step], torch.tensor(weights))
    assert not focus.logits[0, 3].any() and not focus.time[0, 3].any()
    torch.testing.assert_close(focus.objects[0, 0], torch.tensor([0.5, 0.5]))
