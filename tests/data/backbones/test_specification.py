"""How a backbone is written on the command line, and what is told of a slip."""

import pytest

from data.backbones import Specification, parse_specification
from frame_select_env.errors import FrameSelectError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("swin3d_t", Specification("main", "swin3d_t")),
        ("rgb=resnet18", Specification("rgb", "resnet18")),
        (
            "a-b=r3d_18@size=64,clip_frames=8,clip_fps=7.5,weights=KINETICS400_V1",
            Specification(
                "a-b", "r3d_18", size=64, clip_frames=8, clip_fps=7.5, weights="KINETICS400_V1"
            ),
        ),
        (
            "flow:resnet18@raft=raft_large,raft_weights=none,weights=dir/x.safetensors",
            Specification(
                "main",
                "flow:resnet18",
                raft="raft_large",
                raft_weights="none",
                weights="dir/x.safetensors",
            ),
        ),
        ("hf:owner/model@weights=none", Specification("main", "hf:owner/model", weights="none")),
        ("log-mel@bands=40,seconds=0", Specification("main", "log-mel", bands=40, seconds=0.0)),
        (
            "resnet50@output=logits,weights=none",
            Specification("main", "resnet50", weights="none", output="logits"),
        ),
        ("mine:f@size=8", Specification("main", "mine:f", size=8)),
        ("onnx:dir/m.onnx@size=8", Specification("main", "onnx:dir/m.onnx", size=8)),
    ],
)
def test_every_form_is_read(text: str, expected: Specification) -> None:
    assert parse_specification(text) == expected


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        ("resnet18", "resnet18"),
        ("flow:resnet18", "flow-resnet18"),
        ("hf:owner/a.b", "hf-owner-a-b"),
        ("package.module:function@size=8", "package-module-function"),
    ],
)
def test_one_of_several_streams_is_called_like_its_backbone(text: str, stream: str) -> None:
    assert parse_specification(text, only=False).stream == stream


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected [STREAM=]BACKBONE"),
        ("rgb=", "expected [STREAM=]BACKBONE"),
        ("=resnet18", "expected [STREAM=]BACKBONE"),
        ("a/b=resnet18", "letters, digits, _ and -"),
        ("a=b=resnet18", "letters, digits, _ and -"),
        (
            "resnet18@crop=3",
            "unknown option 'crop'; known: clip_fps, clip_frames, output, size, weights",
        ),
        ("resnet18@size", "unknown option 'size'"),
        ("resnet18@size=1,", "unknown option ''"),
        ("resnet18@size=1,size=2", "size is duplicated"),
        ("resnet18@size=1.5", "size must be an integer of at least 0, not '1.5'"),
        ("resnet18@size=-1", "size must be an integer of at least 0, not '-1'"),
        ("r3d_18@clip_fps=nan", "clip_fps must be a number of at least 0, not 'nan'"),
        ("r3d_18@clip_fps=inf", "clip_fps must be a number of at least 0, not 'inf'"),
        ("log-mel@bands=0", "bands must be an integer above 0, not '0'"),
        ("log-mel@seconds=x", "seconds must be a number of at least 0, not 'x'"),
        # Keys that another kind of backbone has.
        ("log-mel@weights=none", "unknown option 'weights'; known: bands, seconds"),
        ("resnet18@bands=3", "unknown option 'bands'"),
        ("flow:resnet18@clip_fps=3", "known: output, raft, raft_weights, size, weights"),
        ("mine:f@weights=none", "known: clip_fps, clip_frames, output, size"),
    ],
)
def test_slips_are_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(FrameSelectError) as told:
        parse_specification(text)
    assert message in str(told.value)
    assert str(told.value).startswith(f"--backbone {text}: ")
    assert "\n" not in str(told.value)


def test_weights_for_all_reach_those_that_name_none_and_can_have_some() -> None:
    texts = ["resnet18", "r3d_18@weights=none", "flow:resnet18", "hf:m", "log-mel", "mine:f"]
    weights = [parse_specification(text, "IMAGENET1K_V1", only=False).weights for text in texts]
    given, own = "IMAGENET1K_V1", "DEFAULT"
    assert weights == [given, "none", given, given, own, own]
    # RAFT's weights are others than the network's.
    assert parse_specification("flow:resnet18", "none").raft_weights == "DEFAULT"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("resnet18@output=scores", ["unknown output 'scores'", "features, logits"]),
        ("log-mel@output=logits", ["unknown option 'output'", "bands, seconds"]),
    ],
)
def test_what_has_no_such_output_is_told(text: str, words: list[str]) -> None:
    with pytest.raises(FrameSelectError) as told:
        parse_specification(text)
    for word in [f"--backbone {text}", *words]:
        assert word in str(told.value)


def test_the_output_is_part_of_the_text() -> None:
    assert parse_specification("a=resnet18@output=logits").text() == "a=resnet18@output=logits"
