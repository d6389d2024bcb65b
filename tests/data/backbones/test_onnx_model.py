"""ONNX models as backbones: tiny graphs whose outputs are known.

Installed for the tests: an absent onnx must fail these tests, and no others.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from data.backbones import Backbone, build_backbone, parse_specification
from data.backbones.backbone import Runtime
from data.backbones.crops import IMAGENET_DEVIATION, IMAGENET_MEAN
from data.extraction.recorded import read_recorded, record_extraction
from data.extraction.settings import Settings
from frame_select_env.errors import FrameSelectError

IMAGE = ("B", 3, "h", "w")


def write(
    path: Path,
    shape: Sequence[int | str],
    outputs: int = 1,
    axes: Sequence[int] = (-2, -1),
    kind: str = "FLOAT",
) -> Path:
    """A model whose every output is the mean of its input over some axes."""
    onnx, helper = map(importlib.import_module, ("onnx", "onnx.helper"))
    number = onnx.TensorProto.DataType.Value(kind)
    names = [f"out{one}" for one in range(outputs)]
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], [name], axes=list(axes), keepdims=0)
        for name in names
    ]
    free = [None] * (len(shape) - len(axes))
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("pixels", number, list(shape))],
        [helper.make_tensor_value_info(name, number, free) for name in names],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def build(path: Path, options: str = "", views: int = 1) -> Backbone:
    return build_backbone(parse_specification(f"onnx:{path}{options}"), Runtime(views=views))


def normal(colour: Sequence[float]) -> np.ndarray:
    return (np.array(colour) / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION


def clip(colours: Sequence[Sequence[int]], height: int = 20, width: int = 30) -> torch.Tensor:
    """One clip [1, n, h, w, 3] of plain frames."""
    pixels = torch.tensor(colours, dtype=torch.uint8)[None, :, None, None]
    return pixels.expand(1, len(colours), height, width, 3)


def test_an_image_model_sees_normalised_squares(tmp_path: Path) -> None:
    backbone = build(write(tmp_path / "m.onnx", IMAGE), "@size=16")
    assert (backbone.side, backbone.frames, backbone.scores) == (16, 1, False)
    output = backbone.forward(clip([[255, 0, 128]]))
    assert output.logits is None
    np.testing.assert_allclose(output.features[0], normal([255, 0, 128]), atol=1e-5)


def test_a_fixed_size_is_the_models_and_a_free_one_has_a_default(tmp_path: Path) -> None:
    fixed = write(tmp_path / "fixed.onnx", (1, 3, 24, 24))
    assert build(fixed).side == 24
    assert build(write(tmp_path / "free.onnx", IMAGE)).side == 224
    with pytest.raises(FrameSelectError, match="size=32: the model is built for 24"):
        build(fixed, "@size=32")


@pytest.mark.parametrize(("shape", "axes"), [("Bn3ss", (2, 3, 4)), ("B3nss", (1, 3, 4))])
def test_a_video_model_sees_the_frames_in_order(tmp_path: Path, shape: str, axes: tuple) -> None:
    dims = [3 if one == "3" else one for one in shape[:3]] + [16, 16]
    path = write(tmp_path / "m.onnx", dims, axes=axes)
    backbone = build(path, "@clip_frames=2,clip_fps=5")
    assert (backbone.frames, backbone.fps) == (2, 5.0)
    colours = [[10, 20, 30], [200, 100, 50]]
    features = backbone.forward(clip(colours)).features
    expected = [normal(colour).mean() for colour in colours]
    np.testing.assert_allclose(features[0], expected, atol=1e-5)
    with pytest.raises(FrameSelectError, match="number of frames is free.*clip_frames=16"):
        build(path)


def test_a_second_output_is_logits(tmp_path: Path) -> None:
    backbone = build(write(tmp_path / "m.onnx", IMAGE, outputs=2), "@size=16")
    assert (backbone.classes, backbone.scores) == (3, True)
    output = backbone.forward(clip([[9, 9, 9]]))
    assert output.logits is not None and torch.equal(output.logits, output.features)
    assert parse_specification(f"onnx:{tmp_path / 'm.onnx'}").may_classify()


def test_ten_views_are_an_axis(tmp_path: Path) -> None:
    backbone = build(write(tmp_path / "m.onnx", IMAGE), "@size=16", views=10)
    assert backbone.forward(clip([[1, 2, 3]])).features.shape == (1, 10, 3)


def test_its_digest_and_its_published_name_are_those_of_the_file(tmp_path: Path) -> None:
    one, other = (write(tmp_path / f"{k}.onnx", IMAGE, outputs=k) for k in (1, 2))
    assert build(one, "@size=16").digest == build(one, "@size=32").digest
    assert build(one, "@size=16").digest != build(other, "@size=16").digest
    specification = parse_specification(f"onnx:{one}")
    assert specification.files() == [one]
    assert specification.without_paths().text() == "main=onnx:1.onnx"


def test_it_is_found_again_by_its_name_and_told_apart_by_its_content(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", IMAGE)
    settings = Settings((parse_specification(f"onnx:{path}@size=16"),))
    weights = {"main": settings.build()["main"].digest}
    provenance = {**record_extraction(settings, weights), "seed": 0}
    recorded = read_recorded(provenance, ["main"])
    found, _ = recorded.build("cpu", [], [tmp_path])
    assert found.streams == settings.streams
    with pytest.raises(FrameSelectError, match=r"m.onnx is not in nowhere; give the file"):
        recorded.build("cpu", [], [Path("nowhere")])
    write(path, IMAGE, outputs=2)
    with pytest.raises(FrameSelectError, match="digests differ.*give theirs: --weights FILE"):
        recorded.build("cpu", [path], [])


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    grey = write(tmp_path / "grey.onnx", ("B", 1, "h", "w"))
    double = write(tmp_path / "double.onnx", IMAGE, kind="DOUBLE")
    map_ = write(tmp_path / "map.onnx", IMAGE, axes=(-1,))
    for path, options, words in (
        (tmp_path / "none.onnx", "", "no such file"),
        (tmp_path / "text.onnx", "", "cannot be loaded"),
        (grey, "", r"needs one input \[B, 3, s, s\]"),
        (double, "", r"tensor\(double\)"),
        (map_, "@size=16", r"gives an output of the shape \[1, 3, 16\]; expected \[B, D\]"),
        (write(tmp_path / "m.onnx", IMAGE), "@clip_frames=4", "is an image model"),
    ):
        with pytest.raises(FrameSelectError, match=words) as error:
            build(path, options)
        assert "\n" not in str(error.value)
