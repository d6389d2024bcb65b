"""That torchvision's networks see what their weights' own transforms make, and say the same."""

import re

import pytest
import torch

from data.backbones import Specification, build_backbone, parse_specification
from data.backbones.backbone import Runtime
from data.backbones.torchvision_import import import_torchvision
from data.backbones.torchvision_models import CLIPS, load, names
from frame_select_env.errors import FrameSelectError

MODELS = import_torchvision().models


def clips(count: int, frames: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (count, frames, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("model", MODELS.list_models(module=MODELS.video))
def test_clips_are_those_the_weights_were_measured_with(model: str) -> None:
    for entry in MODELS.get_model_weights(model):
        told = entry.meta["_docs"]
        (rate,) = re.findall(r"frame_rate=([\d.]+)", told)
        (frames,) = re.findall(r"clip_len=(\d+)", told)
        assert CLIPS[model] == (int(frames), float(rate))
    assert model in names()[1]


@pytest.mark.parametrize("model", ["shufflenet_v2_x0_5", "squeezenet1_1", "googlenet"])
def test_an_image_network_sees_what_its_weights_transforms_make(model: str) -> None:
    preset = MODELS.get_model_weights(model).DEFAULT.transforms()
    backbone = build_backbone(Specification("main", model, "none"), Runtime(seed=3))
    assert backbone.side == preset.resize_size[0]
    frames = clips(2, 1, backbone.side, backbone.side + 31)  # an odd margin
    images = preset(frames[:, 0].movedim(-1, 1))
    network = load(Specification("main", model, "none"), Runtime(seed=3)).network
    with torch.inference_mode():
        output, expected = backbone.forward(frames), network(images)
        logits = network.network(images)
    assert output.logits is not None
    assert expected.logits is not None
    assert torch.equal(output.logits, logits)
    assert torch.equal(output.features, expected.features)
    assert backbone.classes == 0


def test_a_video_network_sees_what_its_weights_transforms_make() -> None:
    model = "r3d_18"
    preset = MODELS.get_model_weights(model).DEFAULT.transforms()
    specification = Specification("main", model, "none", clip_frames=3)
    backbone = build_backbone(specification, Runtime(seed=3))
    frames = clips(2, 3, *preset.resize_size)  # 128 x 171: nothing to be scaled
    batch = preset(frames.movedim(-1, 2))
    assert batch.shape == (2, 3, 3, 112, 112)
    network = load(specification, Runtime(seed=3)).network.network
    with torch.inference_mode():
        output, logits = backbone.forward(frames), network(batch)
        assert output.logits is not None
        assert torch.equal(output.logits, logits)
        # Features are what the classifier is given.
        head = network.get_submodule("fc")
        assert torch.allclose(head(output.features), logits, atol=1e-5)
    assert (backbone.frames, backbone.fps, backbone.side) == (3, 15.0, 128)


@pytest.mark.parametrize("model", ["shufflenet_v2_x0_5", "resnet50"])
def test_scaled_images_are_close_to_torchvisions(model: str) -> None:
    preset = MODELS.get_model_weights(model).DEFAULT.transforms()
    seen: list[torch.Tensor] = []
    specification = Specification("main", model, "none")
    backbone = build_backbone(specification, Runtime())
    smooth = torch.nn.functional.interpolate(
        clips(1, 1, 24, 32)[:, 0].movedim(-1, 1).float(), (480, 640), mode="bilinear"
    )
    frames = smooth.round().to(torch.uint8)
    handle = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, given: seen.append(given[0]) if not seen else None
    )
    with torch.inference_mode():
        backbone.forward(frames.movedim(1, -1)[:, None])
    handle.remove()
    expected = preset(frames)
    # A level of 255: torchvision rounds after scaling.
    assert (seen[0] - expected).abs().max() < 1.01 / 255 / min(preset.std)


@pytest.mark.parametrize(
    "text",
    ["squeezenet1_1@size=48", "mc3_18@size=32,clip_frames=2", "swin3d_t@size=32,clip_frames=2"],
)
def test_ten_views_each_as_if_alone(text: str) -> None:
    specification = parse_specification(text, "none")
    one, ten = (build_backbone(specification, Runtime(views=views)) for views in (1, 10))
    frames = clips(2, one.frames, one.side, one.side + 9)  # an even margin
    with torch.inference_mode():
        single, all_views = one.forward(frames), ten.forward(frames)
        mirrored = one.forward(frames.flip(3))
    assert single.logits is not None
    assert all_views.logits is not None
    assert mirrored.logits is not None
    assert all_views.features.shape == (2, 10, single.features.shape[1])
    assert all_views.logits.shape == (2, 10, single.logits.shape[1])
    # View 4 is the centre, view 9 the centre mirrored.
    assert torch.allclose(all_views.features[:, 4], single.features, atol=1e-5)
    assert torch.allclose(all_views.logits[:, 9], mirrored.logits, atol=1e-5)
    assert not torch.allclose(all_views.logits[:, 0], all_views.logits[:, 3], atol=1e-5)


def test_the_seed_draws_random_weights() -> None:
    frames = clips(1, 1, 73, 73)
    specification = parse_specification("squeezenet1_1@size=64", "none")

    def features(seed: int) -> torch.Tensor:
        with torch.inference_mode():
            return build_backbone(specification, Runtime(seed=seed)).forward(frames).features

    before = torch.random.get_rng_state()
    first = features(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, features(1))
    assert not torch.equal(first, features(2))


def test_an_image_network_takes_no_clip() -> None:
    with pytest.raises(FrameSelectError, match="resnet18: is an image model"):
        build_backbone(Specification("main", "resnet18", "none", clip_frames=4), Runtime())
