"""Video models of transformers: tiny ones with random weights, from folders, without a network."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from data.backbones import Specification, build_backbone
from data.backbones.backbone import Runtime
from data.backbones.torchvision_import import import_torchvision
from frame_select_env.errors import FrameSelectError


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may wait for a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import_torchvision()
    # Installed for the tests: an absent one must fail, not skip them.
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def transformers() -> Any:
    return importlib.import_module("transformers")


SMALL = {
    "image_size": 16,
    "patch_size": 8,
    "num_frames": 4,
    "hidden_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_labels": 5,
}
KINDS = {
    "VideoMAE": SMALL | {"tubelet_size": 2},
    "Timesformer": SMALL,
    "Vivit": SMALL | {"tubelet_size": [2, 8, 8]},
}
Saved = Callable[..., Path]


@pytest.fixture
def saved(transformers: Any, tmp_path: Path) -> Saved:
    """Saves a tiny model, and tells the folder."""

    def save(kind: str, head: str = "ForVideoClassification", **changes: Any) -> Path:
        torch.manual_seed(2)
        config = getattr(transformers, f"{kind}Config")(**{**KINDS[kind], **changes})
        getattr(transformers, f"{kind}{head}")(config).save_pretrained(tmp_path / kind)
        return tmp_path / kind

    return save


def told(folder: object, **options: Any) -> str:
    """The line in which a model cannot be had."""
    with pytest.raises(FrameSelectError) as error:
        build_backbone(Specification("main", f"hf:{folder}", **options), Runtime())
    start = f"--backbone hf:{folder}: "
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(start)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_says_what_transformers_says(
    transformers: Any, saved: Saved, kind: str
) -> None:
    folder = saved(kind)
    backbone = build_backbone(Specification("main", f"hf:{folder}"), Runtime())
    assert (backbone.side, backbone.frames, backbone.classes) == (16, 4, 5)
    clips = torch.randint(0, 256, (2, 4, 16, 16, 3), dtype=torch.uint8)
    # ImageNet's normalisation, where no processor was saved with it.
    mean, deviation = (
        torch.tensor(v).reshape(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    images = (clips.movedim(-1, 2) / 255 - mean) / deviation
    model = transformers.AutoModelForVideoClassification.from_pretrained(folder)
    with torch.inference_mode():
        features, logits = backbone.forward(clips)
        expected = model(pixel_values=images).logits
        assert logits is not None
        assert torch.allclose(logits, expected, atol=1e-5)
        # Features are what the classifier is given.
        assert torch.allclose(model.classifier(features), expected, atol=1e-5)
    assert features.shape == (2, 12)


def test_ten_views(saved: Saved) -> None:
    specification = Specification("main", f"hf:{saved('VideoMAE')}")
    backbone = build_backbone(specification, Runtime(views=10))
    clips = torch.randint(0, 256, (2, 4, 16, 20, 3), dtype=torch.uint8)
    with torch.inference_mode():
        features, logits = backbone.forward(clips)
    assert logits is not None
    assert (features.shape, logits.shape) == ((2, 10, 12), (2, 10, 5))


def test_random_weights_are_the_seeds_and_know_no_classes(saved: Saved) -> None:
    specification = Specification("main", f"hf:{saved('VideoMAE')}", "none")
    clips = torch.randint(0, 256, (1, 4, 16, 16, 3), dtype=torch.uint8)
    state = torch.random.get_rng_state()

    def features(seed: int) -> torch.Tensor:
        backbone = build_backbone(specification, Runtime(seed=seed))
        assert backbone.classes == 0
        with torch.inference_mode():
            return backbone.forward(clips).features

    assert torch.equal(features(1), features(1))
    assert not torch.equal(features(1), features(2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_without_its_classifier_has_features_and_no_classes(saved: Saved) -> None:
    decoder = {"decoder_hidden_size": 8, "decoder_num_attention_heads": 2}
    folder = saved("VideoMAE", "ForPreTraining", **decoder)
    backbone = build_backbone(Specification("main", f"hf:{folder}"), Runtime())
    assert backbone.classes == 0


def test_weights_that_lack_a_layer_are_refused(saved: Saved) -> None:
    from safetensors.torch import load_file, save_file

    file = saved("VideoMAE") / "model.safetensors"
    tensors = load_file(file)
    name = next(n for n in tensors if n.endswith("query.weight"))
    save_file({n: t for n, t in tensors.items() if n != name}, file, {"format": "pt"})
    assert told(file.parent) == f"its weights lack {name}"
    file.write_bytes(b"x" * 100)
    assert told(file.parent).startswith("cannot be loaded: ")
    # Pickled weights are never read instead.
    file.unlink()
    torch.save(tensors, file.parent / "pytorch_model.bin")
    assert told(file.parent).startswith("cannot be loaded: ")


@pytest.mark.parametrize("name", ["/no/such/folder", "./folder", "~/folder", "a/b/c"])
def test_a_folder_that_is_not_there(transformers: Any, name: str) -> None:
    assert told(name) == "no such folder"


@pytest.mark.parametrize("name", ["owner/model", "model"])
def test_the_hub_cannot_be_reached(transformers: Any, name: str) -> None:
    assert told(name).startswith("cannot be loaded: We couldn't connect to ")


def test_a_folder_of_something_else(transformers: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert told(tmp_path).startswith("cannot be loaded: ")


def test_a_classifier_is_asked_for(saved: Saved) -> None:
    assert told(saved("VideoMAE", num_labels=0)) == "has no linear classifier of its 0 labels"


def test_clips_that_it_does_not_take(saved: Saved) -> None:
    folder = saved("VideoMAE")
    assert told(folder, clip_frames=6).startswith("does not accept 6 frames at the default size: ")
    assert told(folder, size=24).startswith("does not accept 4 frames at 24 pixels: ")


def test_weights_of_another_kind_are_told_off(saved: Saved) -> None:
    assert "use @weights=DEFAULT" in told(saved("VideoMAE"), weights="KINETICS400_V1")


def test_missing_transformers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert 'install it: pip install "frame-select-env[huggingface]"' in told("owner/model")


@pytest.mark.parametrize("kind", ["VideoMAE", "Vivit"])
def test_pictures_are_prepared_as_the_models_processor_does(
    transformers: Any, saved: Saved, kind: str
) -> None:
    folder = saved(kind)
    square = {"height": 16, "width": 16}
    mean, deviation = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]
    processor = getattr(transformers, f"{kind}ImageProcessor")(
        size={"shortest_edge": 18}, crop_size=square, image_mean=mean, image_std=deviation
    )
    processor.save_pretrained(folder)
    backbone = build_backbone(Specification("main", f"hf:{folder}"), Runtime())
    assert backbone.side == 18
    clip = torch.randint(0, 256, (4, 18, 22, 3), dtype=torch.uint8)
    model = transformers.AutoModelForVideoClassification.from_pretrained(folder)
    with torch.inference_mode():
        expected = model(**processor(list(clip.numpy()), return_tensors="pt")).logits
        logits = backbone.forward(clip[None]).logits
    assert logits is not None
    assert torch.allclose(logits, expected, atol=1e-4)
