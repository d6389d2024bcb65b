"""Devices, seeds and precision of networks."""

import warnings

import pytest
import torch
from torch import nn

from data.backbones.backbone import Runtime
from frame_select_env.errors import FrameSelectError


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "", "meta", "hpu", "mps", "-1"])
def test_devices_that_cannot_be_used_are_told_in_one_short_line(device: str) -> None:
    with pytest.raises(FrameSelectError) as told:
        Runtime(device).check()
    message = str(told.value)
    assert message.startswith(f"--device {device}: ")
    assert "\n" not in message
    assert len(message) < 300


def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(FrameSelectError, match="--device cuda:99: "):
        Runtime("cuda:99").check()


def test_the_seed_alone_draws_random_weights() -> None:
    before = torch.random.get_rng_state()

    def weights(seed: int) -> torch.Tensor:
        network = Runtime(seed=seed).network(lambda: nn.Linear(3, 3))
        assert isinstance(network, nn.Linear)
        return network.weight

    first = weights(1)
    torch.rand(5)
    assert torch.equal(first, weights(1))
    assert not torch.equal(first, weights(2))
    torch.random.set_rng_state(before)
    weights(1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_networks_are_frozen() -> None:
    network = Runtime().network(lambda: nn.Sequential(nn.Linear(2, 2), nn.Dropout()))
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_full_precision_on_the_cpu_and_half_on_a_gpu() -> None:
    assert (Runtime("cpu").half, Runtime("cuda").half, Runtime("cuda:1").half) == (
        False,
        True,
        True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Runtime("cpu").autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.float32


def test_pixels_become_channels_first_from_0_to_1() -> None:
    clips = torch.zeros(2, 3, 4, 5, 3, dtype=torch.uint8)
    clips[1, 2, 3, 4] = torch.tensor([0, 51, 255])
    images = Runtime().inputs(clips)
    assert images.shape == (2, 3, 3, 4, 5)
    assert torch.allclose(images[1, 2, :, 3, 4], torch.tensor([0.0, 0.2, 1.0]))
