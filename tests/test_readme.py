"""Every snippet of the README runs as it stands there, in its order, in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from shape_videos import write_shape_videos

from data.backbones.torchvision_import import import_torchvision

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```(python|bash)\n(.*?)^```", README.read_text(), re.M | re.S)
# The two commands that do their own set-up would run this very test; installing needs a clone.
SETUP = ("make demo", "pip install")


def features_npz(path: Path) -> None:
    """What a user brings: features of a few labelled videos, as the README describes them."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 40, 120)
    labels = np.arange(120) % 3
    frames = np.repeat(labels, lengths)
    key = rng.random(len(frames)) < 0.4
    features = rng.normal(size=(len(frames), 8)).astype(np.float32)
    features[key, frames[key]] += 3
    np.savez(
        path,
        features=features,
        lengths=lengths,
        labels=labels,
        ids=np.array([f"clip{row}" for row in range(120)]),
        splits=np.array(["train", "train", "test"])[np.arange(120) // 3 % 3],
        classes=np.array(["calm", "joy", "anger"]),
    )


def published_weights(folder: Path) -> None:
    """Random numbers where torchvision keeps the weights that it has fetched."""
    models = import_torchvision().models
    file = Path(models.ResNet18_Weights.DEFAULT.url).name
    torch.manual_seed(0)
    (folder / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(models.resnet18().state_dict(), folder / "hub" / "checkpoints" / file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    features_npz(folder / "features.npz")
    write_shape_videos(folder / "videos", videos=12, stretches=2)
    published_weights(folder / "torch")
    return folder


def test_the_readme_has_snippets_of_both_kinds():
    assert {kind for kind, _ in BLOCKS} == {"python", "bash"}


@pytest.mark.parametrize("place", range(len(BLOCKS)))
def test_snippet(folder, place):
    kind, text = BLOCKS[place]
    if any(command in text for command in SETUP):
        for target in re.findall(r"^make (\w+)", text, re.M):
            makefile = (README.parent / "Makefile").read_text()
            assert re.search(rf"^{target}:", makefile, re.M), f"the Makefile has no {target}"
        return
    if kind == "python":
        (folder / f"snippet{place}.py").write_text(text)
        command = [sys.executable, f"snippet{place}.py"]
        if "@register_reward" in text:  # the README calls this file my_rewards.py
            (folder / "my_rewards.py").write_text(text)
    else:
        command = ["bash", "-ec", text.replace("python ", f"{sys.executable} ")]
    environment = {**os.environ, "TORCH_HOME": str(folder / "torch")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pictures_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README.read_text()):
        name = "".join(target)
        if not name.startswith("http"):
            assert (README.parent / name).exists(), name
