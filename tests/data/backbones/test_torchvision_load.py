"""Torchvision's networks with weights from files, and by names that are not fetched here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from data.backbones import Specification
from data.backbones.backbone import Runtime
from data.backbones.torchvision_import import import_torchvision
from data.backbones.torchvision_models import load, widen
from frame_select_env.errors import FrameSelectError

MODELS = import_torchvision().models
Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Builds a network, saves it to a file, and tells the file."""

    def make(model: str, channels: int = 3, **options: Any) -> str:
        torch.manual_seed(5)
        network = MODELS.get_model(model, weights=None, **options)
        if channels != 3:
            widen(network.requires_grad_(False), channels)
        file = tmp_path / f"{model}.safetensors"
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, file)
        return str(file)

    return make


def same(file: str, loaded: nn.Module) -> bool:
    state = loaded.state_dict()
    return all(torch.equal(state[k], v) for k, v in load_file(file).items() if k in state)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("shufflenet_v2_x0_5", {}),
        ("squeezenet1_1", {}),
        ("mnasnet0_5", {}),
        ("googlenet", {"init_weights": False}),
        ("googlenet", {"init_weights": False, "aux_logits": False}),
        ("r3d_18", {}),
    ],
)
def test_a_file_tells_how_many_classes_there_are(
    save: Save, model: str, options: dict[str, Any]
) -> None:
    file = save(model, num_classes=6, **options)
    loaded = load(Specification("main", model, file, size=64), Runtime())
    assert loaded.classes == 6
    assert same(file, loaded.network.network)
    images = torch.zeros(1, 3, *([2] if model == "r3d_18" else []), 64, 64)
    with torch.inference_mode():
        logits = loaded.network(images).logits
    assert logits is not None
    assert logits.shape == (1, 6)


def test_a_files_network_must_be_the_one_asked_for(save: Save, tmp_path: Path) -> None:
    def line(model: str, file: str) -> str:
        with pytest.raises(FrameSelectError) as told:
            load(Specification("main", model, file), Runtime())
        assert "\n" not in str(told.value)
        return str(told.value)

    file = save("shufflenet_v2_x0_5", num_classes=6)
    assert f"weights {file}: have no classifier.1.weight with 4 axes" in line("squeezenet1_1", file)
    # The first that does not fit.
    line_of_shapes = line("shufflenet_v2_x1_0", file)
    assert " has shape [" in line_of_shapes
    assert ", but the network needs [" in line_of_shapes
    headless = str(tmp_path / "headless.safetensors")
    save_file({"conv1.0.weight": torch.zeros(24, 3, 3, 3)}, headless)
    assert "have no fc.weight with 2 axes, the classifier" in line("shufflenet_v2_x0_5", headless)


def test_a_file_for_flow_has_ten_channels(save: Save) -> None:
    file = save("shufflenet_v2_x0_5", channels=10, num_classes=6)
    specification = Specification("main", "flow:shufflenet_v2_x0_5", file)
    loaded = load(specification, Runtime(), channels=10)
    assert loaded.classes == 6
    assert same(file, loaded.network.network)
    rgb = save("shufflenet_v2_x0_5", num_classes=6)
    shapes = r"conv1.0.weight has shape \[24, 3, 3, 3\], but the network needs \[24, 10, 3, 3\]"
    with pytest.raises(FrameSelectError, match=shapes):
        load(Specification("main", "flow:shufflenet_v2_x0_5", rgb), Runtime(), channels=10)


@pytest.mark.parametrize("model", ["shufflenet_v2_x0_5", "squeezenet1_1"])
def test_widening_averages_and_replicates(model: str) -> None:
    """Wang et al., 2016, section 3.2: the response to an even image so grows by channels / 3."""
    torch.manual_seed(0)
    network = MODELS.get_model(model, weights=None).requires_grad_(False)
    name, stem = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    bias, old = stem.bias, stem.weight.clone()
    with torch.inference_mode():
        before = stem(torch.full((1, 3, 64, 64), 0.7))
    state = torch.random.get_rng_state()
    widen(network, 10)
    assert torch.equal(torch.random.get_rng_state(), state)
    stem = network.get_submodule(name)
    assert isinstance(stem, nn.Conv2d)
    assert stem.bias is bias
    for channel in range(10):
        assert torch.allclose(stem.weight[:, channel], old.mean(dim=1))
    with torch.inference_mode():
        after = stem(torch.full((1, 10, 64, 64), 0.7))
    constant = 0 if bias is None else bias.reshape(1, -1, 1, 1)
    assert torch.allclose((after - constant) * 3, (before - constant) * 10, atol=1e-3)


def published(monkeypatch: pytest.MonkeyPatch, network: nn.Module) -> None:
    """Let torchvision fetch a network's own weights."""

    def fetch(url: str, **options: Any) -> dict[str, torch.Tensor]:
        return network.state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)


@pytest.mark.parametrize("model", ["googlenet", "shufflenet_v2_x0_5"])
def test_published_weights_make_torchvisions_own_network(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    torch.manual_seed(1)
    options = {"init_weights": False} if model == "googlenet" else {}
    published(monkeypatch, MODELS.get_model(model, weights=None, **options))
    theirs = MODELS.get_model(model, weights="DEFAULT").eval()
    loaded = load(Specification("main", model), Runtime())
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.network.network(images), theirs(images))
    assert loaded.classes == 0  # a thousand, but not the user's


def test_published_weights_are_widened_for_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    network = MODELS.get_model("googlenet", weights=None, init_weights=False)
    published(monkeypatch, network)
    loaded = load(Specification("main", "flow:googlenet"), Runtime(), channels=10)
    stem = loaded.network.network.get_submodule("conv1.conv")
    old = network.conv1.conv.weight
    assert torch.allclose(stem.get_parameter("weight")[:, 7], old.mean(dim=1))
    # Ten channels go through; what converts RGB images within is off.
    with torch.inference_mode():
        assert loaded.network(torch.zeros(1, 10, 64, 64)).features.shape == (1, 1024)


def test_weights_without_a_classifier_are_refused() -> None:
    with pytest.raises(FrameSelectError, match="IMAGENET1K_FEATURES: .*have no classifier"):
        load(Specification("main", "vgg16", "IMAGENET1K_FEATURES"), Runtime())
