"""Which names there are, and networks that do not take what is asked of them."""

import pytest
import torch

from data.backbones import Specification, build_backbone, parse_specification
from data.backbones.backbone import Runtime
from frame_select_env.errors import FrameSelectError


def test_an_unknown_name_is_told_with_all_there_are() -> None:
    with pytest.raises(FrameSelectError) as told:
        build_backbone(Specification("main", "timm"), Runtime())
    message = str(told.value)
    assert message.startswith("--backbone timm: unknown backbone 'timm'; known: ")
    kinds = ("swin3d_t", "resnet50", "flow:IMAGE_MODEL", "hf:MODEL", "log-mel", "module:function")
    for kind in kinds:
        assert kind in message


def test_the_nearest_name_is_told_alone() -> None:
    with pytest.raises(FrameSelectError) as told:
        build_backbone(Specification("main", "resnet19"), Runtime())
    line = "--backbone resnet19: unknown backbone 'resnet19'; did you mean 'resnet18'?"
    assert str(told.value) == line


def test_flow_is_put_before_image_models_only() -> None:
    with pytest.raises(FrameSelectError, match="unknown image model 'r3d_18'; known: alexnet"):
        build_backbone(Specification("main", "flow:r3d_18"), Runtime())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vit_b_16@size=100", "cannot be built with image_size 100: Input shape indivisible"),
        ("maxvit_t@size=100", "cannot be built with input_size (100, 100): "),
        ("mvit_v1_b@size=64", "does not accept 16 frames at 64 pixels: "),
        ("mvit_v1_b@clip_frames=4", "does not accept 4 frames at the default size: "),
        ("alexnet@size=8", "does not accept 1 frame at 8 pixels: "),
    ],
)
def test_sizes_that_a_network_does_not_take_are_told(text: str, message: str) -> None:
    specification = parse_specification(text, "none")
    with pytest.raises(FrameSelectError) as told:
        build_backbone(specification, Runtime())
    assert f"--backbone {specification.backbone}: {message}" in str(told.value)
    assert "\n" not in str(told.value)


def test_other_sizes_are_taken_where_the_network_can_be_built_for_them() -> None:
    backbone = build_backbone(parse_specification("vit_b_32@size=64", "none"), Runtime())
    assert backbone.side == 73  # as 256 to 224


def test_a_function_needs_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AssertionError

    monkeypatch.setattr("data.backbones.build.names", fail)
    with pytest.raises(FrameSelectError, match="failed on an empty clip"):
        build_backbone(Specification("main", "numpy:zeros", size=8), Runtime())


@pytest.mark.parametrize("views", [1, 10])
def test_features_are_the_logits_where_they_are_asked_for(views: int) -> None:
    clips = torch.randint(0, 256, (2, 1, 40, 40, 3), dtype=torch.uint8)
    runtime = Runtime(views=views)
    plain, asked = (
        build_backbone(parse_specification(f"resnet18@size=32,output={output}", "none"), runtime)
        for output in ("features", "logits")
    )
    assert plain.forward(clips).features.shape[-1] == 512
    features, logits = asked.forward(clips)
    assert features.shape == ((2, 1000) if views == 1 else (2, 10, 1000))
    assert torch.equal(features, plain.forward(clips).logits) and torch.equal(features, logits)


def test_a_function_has_logits_if_it_returns_them() -> None:
    text = "own_backbones:classifier@size=8,output=logits"
    backbone = build_backbone(parse_specification(text), Runtime())
    clips = torch.zeros(2, 1, 8, 8, 3, dtype=torch.uint8)
    assert backbone.forward(clips).features.tolist() == [[0, 30, 0]] * 2
    with pytest.raises(FrameSelectError, match="own_backbones:grey: output=logits: has no logits"):
        build_backbone(parse_specification(text.replace("classifier", "grey")), Runtime())
