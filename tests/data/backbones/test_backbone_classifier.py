"""That features are what the last layer of every classification network is given."""

from functools import partial
from unittest import mock

import pytest
import torch
from torch import nn

from data.backbones.backbone import Tapped, last_layer
from data.backbones.torchvision_import import import_torchvision
from data.backbones.torchvision_models import names

MODELS = import_torchvision().models
IMAGES, VIDEOS = names()
ODD = 7  # outputs that no inner layer has
# Width of the features; the papers' and torchvision's tables, by family.
WIDTHS = {
    "alexnet": 4096,
    "vgg": 4096,
    "resnet18": 512,
    "resnet34": 512,
    "resnet": 2048,
    "resnext": 2048,
    "wide_resnet": 2048,
    "squeezenet": 512,
    "googlenet": 1024,
    "inception_v3": 2048,
    "mnasnet": 1280,
    "mobilenet_v2": 1280,
    "mobilenet_v3_large": 1280,
    "mobilenet_v3_small": 1024,
    "shufflenet_v2_x2_0": 2048,
    "shufflenet": 1024,
    "maxvit_t": 512,
    "vit_b": 768,
    "vit_l": 1024,
    "vit_h": 1280,
    "swin_t": 768,
    "swin_s": 768,
    "swin_b": 1024,
    "swin_v2_t": 768,
    "swin_v2_s": 768,
    "swin_v2_b": 1024,
    "swin3d_t": 768,
    "swin3d_s": 768,
    "swin3d_b": 1024,
    "convnext_tiny": 768,
    "convnext_small": 768,
    "convnext_base": 1024,
    "convnext_large": 1536,
    "densenet121": 1024,
    "densenet161": 2208,
    "densenet169": 1664,
    "densenet201": 1920,
    "efficientnet_v2": 1280,
    "mvit": 768,
    "s3d": 1024,
    "r3d_18": 512,
    "mc3_18": 512,
    "r2plus1d_18": 512,
}


def without_values(name: str) -> nn.Module:
    """The network on the meta device: shapes alone, no memory and no drawing of weights."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    build = partial(MODELS.get_model, name, weights=None, num_classes=ODD, **options)
    if not name.startswith("regnet"):
        with torch.device("meta"):
            return build()
    # RegNet rounds its widths with tensors, which then need values: only its layers have none.
    init = nn.Module.register_parameter

    def bare(module: nn.Module, key: str, value: nn.Parameter | None) -> None:
        init(module, key, None if value is None else nn.Parameter(value.to("meta")))

    with mock.patch.object(nn.Module, "register_parameter", bare):
        return build()


@pytest.mark.parametrize("name", [*IMAGES, *VIDEOS])
def test_the_last_layer_of_every_network_is_its_classifier(name: str) -> None:
    network = without_values(name)
    key, layer = last_layer(network)
    weight = layer.get_parameter("weight")
    assert len(weight) == ODD
    assert key.split(".")[0] in ("fc", "classifier", "head", "heads")
    families = [family for family in WIDTHS if name.startswith(family)]
    if families:
        assert weight.shape[1] == WIDTHS[max(families, key=len)]
    else:
        # RegNets and EfficientNets differ in width by size.
        assert name.startswith(("regnet", "efficientnet_b"))
    # What `widen` takes for the stem.
    stem = next(m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d))
    assert stem.in_channels == 3
    assert stem.groups == 1


def test_a_linear_layers_input_makes_the_logits() -> None:
    torch.manual_seed(0)
    head = nn.Linear(6, 4)
    tapped = Tapped(nn.Sequential(nn.Flatten(), nn.Linear(12, 6), nn.ReLU(), nn.Dropout(), head))
    images = torch.rand(3, 3, 2, 2)
    with torch.inference_mode():
        features, logits = tapped(images)
        assert logits is not None
        assert torch.equal(logits, tapped.network(images))
        assert torch.allclose(head(features), logits, atol=1e-6)
    assert features.shape == (3, 6)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_convolution_last_gives_the_mean_over_places(axes: int) -> None:
    torch.manual_seed(0)
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
    head = convolution(3, 4, 1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = head

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.head(images).flatten(2).mean(2)

    images = torch.rand(2, 3, *[5] * axes)
    with torch.inference_mode():
        features, logits = Tapped(Network())(images)
        assert torch.allclose(features, images.flatten(2).mean(2))
        assert logits is not None
        assert torch.allclose(features @ head.weight.flatten(1).T + head.bias, logits, atol=1e-5)


def test_a_network_without_layers_has_no_last_one() -> None:
    with pytest.raises(LookupError):
        last_layer(nn.ReLU())
