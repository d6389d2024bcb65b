"""Weights from files and by name: what is loaded, and what is told where they do not fit."""

from collections import OrderedDict
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from data.backbones import Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import download, is_file, load_into, named_weights, read_weights
from frame_select_env.errors import FrameSelectError

MODELS = import_torchvision().models
SPECIFICATION = Specification("main", "resnet18")
START = "--backbone resnet18: "


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def told(call: object, *arguments: object) -> str:
    """The one line in which a call fails."""
    with pytest.raises(FrameSelectError) as error:
        call(*arguments)  # type: ignore[operator]
    assert str(error.value).startswith(START)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(START)


@pytest.mark.parametrize(
    ("weights", "file"),
    [
        ("DEFAULT", False),
        ("IMAGENET1K_V2", False),
        ("none", False),
        ("net.safetensors", True),
        ("dir/net", True),
        ("net.pth", True),
    ],
)
def test_names_and_files_are_told_apart(weights: str, file: bool) -> None:
    assert is_file(weights) is file


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "model.module.", "_orig_mod."])
def test_what_wrappers_put_before_names_is_taken_off(tmp_path: Path, prefix: str) -> None:
    tensors = small().state_dict()
    file = tmp_path / "net.safetensors"
    save_file({prefix + name: tensor for name, tensor in tensors.items()}, file)
    read = read_weights(SPECIFICATION, str(file))
    assert read.keys() == tensors.keys()
    network = small()
    load_into(SPECIFICATION, network, read, "weights")
    assert torch.equal(network.get_parameter("0.weight"), tensors["0.weight"])


def test_a_prefix_that_only_some_names_have_is_part_of_them(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({"model.a": torch.zeros(1), "b": torch.zeros(1)}, file)
    assert set(read_weights(SPECIFICATION, str(file))) == {"model.a", "b"}
    save_file({}, file)
    assert read_weights(SPECIFICATION, str(file)) == {}


def test_other_files_are_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.safetensors"
    assert told(read_weights, SPECIFICATION, str(missing)) == f"weights {missing}: no such file"
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    assert "no such file" in told(read_weights, SPECIFICATION, str(folder))
    pickled = tmp_path / "net.pth"
    torch.save(small().state_dict(), pickled)
    line = told(read_weights, SPECIFICATION, str(pickled))
    assert "is not a .safetensors file" in line
    # The line that converts it does convert it.
    command = line[line.index("safetensors.torch.save_file") :]
    for name in ("net.pth", "net.safetensors"):
        command = command.replace(f'"{name}"', repr(str(tmp_path / name)))
    exec("import safetensors.torch, torch\n" + command)
    read = read_weights(SPECIFICATION, str(tmp_path / "net.safetensors"))
    assert set(read) == set(small().state_dict())


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x08" + b"\0" * 7 + b"{}      "[:4]])
def test_damaged_files_are_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(content)
    assert told(read_weights, SPECIFICATION, str(file)).startswith(f"weights {file}: is damaged: ")


def test_what_does_not_fit_is_named() -> None:
    def line(**changes: torch.Tensor | None) -> str:
        tensors = {**small().state_dict(), **changes}
        tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        return told(load_into, SPECIFICATION, small(), tensors, "weights f")

    shape = "weights f: 0.weight has shape [3, 4], but the network needs [3, 2]"
    assert line(**{"0.weight": torch.zeros(3, 4)}) == shape
    assert line(**{"0.weight": None}) == "weights f: lacks 0.weight"
    assert line(**{"0.weight": None, "0.bias": None}) == "weights f: lacks 0.weight and 1 more"
    assert line(extra=torch.zeros(1)) == "weights f: has extra, which the network does not have"


def test_counters_of_batches_may_be_left_out() -> None:
    tensors = {n: t for n, t in small().state_dict().items() if "num_batches" not in n}
    network = small()
    load_into(SPECIFICATION, network, tensors, "weights f")
    assert torch.equal(network.get_parameter("0.bias"), tensors["0.bias"])


def test_half_precision_files_make_full_precision_networks() -> None:
    network = small()
    load_into(SPECIFICATION, network, {n: t.half() for n, t in small().state_dict().items()}, "f")
    assert network.get_parameter("0.weight").dtype == torch.float32


@pytest.mark.parametrize(
    ("model", "new", "old"),
    [
        # Names in the files that torchvision publishes, which its own loading turns into today's.
        ("densenet121", ".denselayer1.norm1.", ".denselayer1.norm.1."),
        ("densenet121", ".denselayer2.conv2.", ".denselayer2.conv.2."),
        ("vit_b_32", ".mlp.0.", ".mlp.linear_1."),
        ("vit_b_32", ".mlp.3.", ".mlp.linear_2."),
        ("mnasnet0_5", "", ""),
    ],
)
@pytest.mark.parametrize("noted", [False, True])
def test_older_names_of_torchvisions_are_understood(
    model: str, new: str, old: str, noted: bool
) -> None:
    with torch.device("meta"):
        network = MODELS.get_model(model, weights=None, num_classes=2)
    tensors: OrderedDict[str, torch.Tensor] = OrderedDict(
        (name.replace(new, old), tensor) for name, tensor in network.state_dict().items()
    )
    if noted:  # as torch.save does, and as safetensors cannot
        version = {"": {"version": network._version}}
        tensors._metadata = version  # type: ignore[attr-defined]
    load_into(SPECIFICATION, network, tensors, "weights f")
    line = told(load_into, SPECIFICATION, network, OrderedDict(list(tensors.items())[1:]), "f")
    assert line.startswith("f: lacks ")


def test_unknown_names_are_told_with_those_there_are() -> None:
    line = told(named_weights, SPECIFICATION, MODELS, "resnet50", "V3")
    assert (
        line
        == "unknown weights 'V3'; known: DEFAULT, IMAGENET1K_V1, IMAGENET1K_V2, none, or "
        + ("a FILE")
    )
    line = told(named_weights, SPECIFICATION, MODELS, "raft_small", "V3", "raft_weights")
    assert line.startswith("unknown raft_weights 'V3'; known: C_T_V1, C_T_V2, DEFAULT, none")


@pytest.mark.parametrize(
    "failure",
    [
        URLError("no route\nto host"),
        TimeoutError("timed out"),
        RuntimeError('invalid hash value (expected "f37072fd", got "00")'),
        EOFError(),
    ],
)
def test_weights_that_cannot_be_fetched(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    asked: list[dict[str, object]] = []

    def fail(url: str, **options: object) -> None:
        asked.append(options)
        raise failure

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    entry = MODELS.get_model_weights("resnet18")["DEFAULT"]
    line = told(download, SPECIFICATION, entry, "raft_weights")
    assert line.startswith(f"the weights IMAGENET1K_V1 cannot be downloaded from {entry.url}: ")
    assert line.endswith("use @raft_weights=FILE, or @raft_weights=none for random weights")
    # Nothing but tensors is unpickled, and the published hash is checked.
    assert asked == [{"progress": True, "check_hash": True, "weights_only": True}]
