"""Scaling, cropping and normalising, held against torchvision's own transforms."""

import pytest
import torch

from data.backbones.backbone import Output
from data.backbones.crops import by_view, crops, normalise, scale
from data.backbones.torchvision_import import import_torchvision

import_torchvision()
from torchvision.transforms import functional as tv  # noqa: E402

SHAPES = [(20, 20), (20, 33), (35, 20), (21, 27), (40, 23)]


def pictures(height: int, width: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand(count, 3, height, width, generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 14, 15, 20])
def test_the_centre_is_torchvisions(shape: tuple[int, int], size: int) -> None:
    images = pictures(*shape)
    assert torch.equal(crops(images, size, 1), tv.center_crop(images, [size, size]))


def test_ten_crops_are_torchvisions_but_for_the_order_of_the_mirrored() -> None:
    images = pictures(20, 34)  # even margins: the mirrored centre is the centre mirrored
    ours = crops(images, 16, 10)
    assert ours.shape == (2, 10, 3, 16, 16)
    theirs = torch.stack(tv.ten_crop(images, [16, 16]), dim=1)
    assert torch.equal(ours[:, [0, 1, 2, 3, 4, 6, 5, 8, 7, 9]], theirs)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_last_five_views_mirror_the_first_five(shape: tuple[int, int]) -> None:
    ours = crops(pictures(*shape), 16, 10)
    assert torch.equal(ours[:, 5:], ours[:, :5].flip(-1))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [8, 17, 20, 50])
def test_scaling_is_torchvisions_bilinear_antialiased(shape: tuple[int, int], side: int) -> None:
    images = pictures(*shape)
    expected = tv.resize(images, [side], antialias=True)
    scaled = scale(images[None], side)[0]
    assert scaled.shape == expected.shape
    assert torch.allclose(scaled, expected, atol=1e-6)


def test_frames_of_the_right_side_are_not_touched() -> None:
    images = pictures(20, 33)
    assert scale(images, 20) is images


@pytest.mark.parametrize("channel", [-3, -4])
def test_each_channel_has_its_mean_and_deviation(channel: int) -> None:
    shape = {-3: (2, 10, 3, 4, 4), -4: (2, 10, 3, 5, 4, 4)}[channel]
    mean, deviation = [0.1, 0.2, 0.3], [1.0, 2.0, 4.0]
    out = normalise(torch.ones(shape), mean, deviation, channel).movedim(channel, 0)
    for k in range(3):
        expected = torch.full_like(out[k], (1 - mean[k]) / deviation[k])
        assert torch.allclose(out[k], expected)


def test_views_stay_with_their_clip() -> None:
    images = torch.arange(2 * 10 * 3).reshape(2, 10, 3).float()
    output = by_view(lambda flat: Output(flat * 2, flat.sum(1, keepdim=True)), images, 10)
    assert torch.equal(output.features, images * 2)
    assert output.logits is not None
    assert torch.equal(output.logits, images.sum(2, keepdim=True))
    assert by_view(lambda flat: Output(flat, None), images, 10).logits is None
    single = by_view(lambda flat: Output(flat, None), images[:, 0], 1)
    assert single.features.shape == (2, 3)
