"""Which names there are, and networks that do not take what is asked of them."""

import pytest

from data.backbones import Specification, build_backbone, parse_specification
from data.backbones.backbone import Runtime
from frame_select_env.errors import FrameSelectError


def test_an_unknown_name_is_told_with_all_there_are() -> None:
    with pytest.raises(FrameSelectError) as told:
        build_backbone(Specification("main", "swin4d"), Runtime())
    message = str(told.value)
    assert message.startswith("--backbone swin4d: unknown backbone 'swin4d'; known: ")
    kinds = ("swin3d_t", "resnet50", "flow:IMAGE_MODEL", "hf:MODEL", "log-mel", "module:function")
    for kind in kinds:
        assert kind in message


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
