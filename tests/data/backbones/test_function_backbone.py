"""A function of the user's own as a backbone: what it gets, what it may return."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from data.backbones import Backbone, Specification, build_backbone
from data.backbones.backbone import Runtime
from frame_select_env.errors import FrameSelectError

Build = Callable[..., Backbone]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds a backbone of a function, which is put into a module."""

    def make(function: Any, views: int = 1, **options: Any) -> Backbone:
        module = ModuleType("users_module")
        module.f = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "users_module", module)
        specification = Specification("main", "users_module:f", **options)
        return build_backbone(specification, Runtime(views=views))

    return make


def means(frames: np.ndarray) -> np.ndarray:
    return frames.reshape(len(frames), -1, 3).mean(1) / 255


def test_it_sees_the_very_pixels(build: Build) -> None:
    seen = []

    def keep(frames: np.ndarray) -> np.ndarray:
        seen.append(frames)
        return means(frames)

    backbone = build(keep, size=8)
    assert (backbone.side, backbone.frames, backbone.fps, backbone.classes) == (8, 1, 0.0, 0)
    clips = torch.randint(0, 256, (3, 1, 8, 12, 3), dtype=torch.uint8)
    output = backbone.forward(clips)
    assert seen[-1].dtype == np.uint8
    assert seen[-1].flags.c_contiguous
    assert np.array_equal(seen[-1], clips[:, 0, :, 2:10].numpy())
    assert output.features.shape == (3, 3)
    assert output.logits is None


@pytest.mark.parametrize("frames", [1, 4])
def test_with_clip_frames_it_sees_clips(build: Build, frames: int) -> None:
    shapes = []

    def keep(clips: np.ndarray) -> np.ndarray:
        shapes.append(clips.shape)
        return means(clips)

    backbone = build(keep, size=8, clip_frames=frames, clip_fps=5.0)
    backbone.forward(torch.zeros(2, frames, 8, 8, 3, dtype=torch.uint8))
    assert shapes[-1] == (2, frames, 8, 8, 3)
    assert (backbone.frames, backbone.fps) == (frames, 5.0)


def test_views_are_crops_like_all_others(build: Build) -> None:
    backbone = build(means, views=10, size=8)
    clips = torch.randint(0, 256, (2, 1, 8, 16, 3), dtype=torch.uint8)
    output = backbone.forward(clips)
    assert output.features.shape == (2, 10, 3)
    left = clips[:, 0, :, :8].reshape(2, -1, 3).float().mean(1) / 255
    assert torch.allclose(output.features[:, 0].float(), left, atol=1e-6)


def test_logits_make_the_predictions(build: Build) -> None:
    def both(frames: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        # A tensor that would be trained is taken too.
        return torch.ones(len(frames), 2, requires_grad=True) * 2, np.zeros((len(frames), 5))

    backbone = build(both, size=8)
    assert backbone.classes == 5
    output = backbone.forward(torch.zeros(3, 1, 8, 8, 3, dtype=torch.uint8))
    assert output.logits is not None
    assert (output.features.shape, output.logits.shape) == ((3, 2), (3, 5))
    assert not output.features.requires_grad


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned NoneType; expected floats [1, D]"),
        ("text", "returned str; expected floats [1, D]"),
        (np.zeros(3), "returned torch.float64 [3]; expected floats [1, D]"),
        (np.zeros((2, 3)), "returned torch.float64 [2, 3]; expected floats [1, D]"),
        (np.zeros((1, 0)), "returned torch.float64 [1, 0]; expected floats [1, D]"),
        (np.zeros((1, 2, 2)), "returned torch.float64 [1, 2, 2]"),
        (np.zeros((1, 3), int), "returned torch.int64 [1, 3]"),
        (np.zeros((1, 3), complex), "returned torch.complex128 [1, 3]"),
        ((np.zeros((1, 3)), np.zeros((2, 3))), "returned torch.float64 [2, 3]"),
        ((np.zeros((1, 3)),) * 3, "returned 3 values; expected features and logits"),
        ((), "returned 0 values; expected features and logits"),
        ([np.zeros((1, 3)), np.zeros((1, 2))], "returned list; expected floats [1, D]"),
    ],
)
def test_anything_else_is_refused_before_videos_are_read(
    build: Build, result: Any, message: str
) -> None:
    with pytest.raises(FrameSelectError) as told:
        build(lambda frames: result, size=8)
    assert str(told.value).startswith(f"--backbone users_module:f: {message}")
    assert str(told.value).count("--backbone") == 1
    assert "\n" not in str(told.value)


def test_features_must_not_change_their_width(build: Build) -> None:
    widths = iter([3, 4])
    backbone = build(lambda frames: np.zeros((len(frames), next(widths))), size=8)
    with pytest.raises(FrameSelectError, match=r"returned torch.float64 \[2, 4\].*\[2, 3\]"):
        backbone.forward(torch.zeros(2, 1, 8, 8, 3, dtype=torch.uint8))


def test_logits_must_not_come_and_go(build: Build) -> None:
    results = iter([np.zeros((1, 3)), (np.zeros((1, 3)), np.zeros((1, 2)))])
    backbone = build(lambda frames: next(results), size=8)
    with pytest.raises(FrameSelectError, match="returned logits for only some of the frames"):
        backbone.forward(torch.zeros(1, 1, 8, 8, 3, dtype=torch.uint8))


def test_what_it_raises_is_told(build: Build) -> None:
    def fails(frames: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("by\nzero")

    with pytest.raises(FrameSelectError, match="failed on an empty clip: ZeroDivisionError: by$"):
        build(fails, size=8)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:f", "cannot be imported: No module named 'no_such_module'"),
        ("json:no_such_function", "cannot be imported: module 'json' has no attribute"),
        ("json:__name__", "is not a function"),
        (":f", "cannot be imported: Empty module name"),
        (".x:f", "cannot be imported: "),
    ],
)
def test_names_that_are_no_function_are_told(name: str, message: str) -> None:
    with pytest.raises(FrameSelectError) as told:
        build_backbone(Specification("main", name), Runtime())
    assert message in str(told.value)
    assert "\n" not in str(told.value)
