"""Runs the code blocks of a Markdown page, in their order and in one folder, as a reader would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from face_tables import write_faces
from processes import run_command, run_script
from shape_videos import write_shape_videos, write_talk
from summary_videos import summary_file

from data.backbones.torchvision_import import import_torchvision

ROOT = Path(__file__).parents[2]
# A block is a fence of this kind; `title="FILE"` after the kind says which file it shows.
BLOCK = re.compile(r"^```(python|bash)(?: title=\"(\S+)\")?\n(.*?)^```", re.M | re.S)
# Set-up, which would run this very test, or needs the network.
SETUP = re.compile(r"^make |pip install|\.venv/bin/activate", re.M)
# What needs no shell.
COMMAND = re.compile(r"frame-select |python \S+\.py")
SCRIPT = 'exec "{}" -P -c "from frame_select_env.command_line import main; main()" "$@"'


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(kind, file or "", text) of the page's blocks of Python and of shell commands."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def prepare(folder: Path) -> None:
    """What the pages take for granted: a reader's files, and the installed commands."""
    write_features(folder / "features.npz")
    write_faces(folder)
    summary_file(folder / "summary.h5")
    write_talk(folder / "lecture.mp4")
    write_shape_videos(folder / "videos", videos=9, stretches=1)
    write_weights(folder / "torch")
    (folder / "bin").mkdir()
    for name, text in (
        ("frame-select", SCRIPT.format(sys.executable)),
        ("python", f'exec "{sys.executable}" "$@"'),
    ):
        script = folder / "bin" / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)


def link(prepared: Path, folder: Path) -> Path:
    """A reader's folder: links to the files that were prepared, of which no page changes one."""
    return Path(shutil.copytree(prepared, folder, copy_function=os.link, dirs_exist_ok=True))


def write_features(path: Path) -> None:
    """Features of a few labelled videos, as the pages describe them."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 40, 60)
    labels = np.arange(60) % 3
    frames = np.repeat(labels, lengths)
    key = rng.random(len(frames)) < 0.4
    features = rng.normal(size=(len(frames), 8)).astype(np.float32)
    features[key, frames[key]] += 3
    np.savez(
        path,
        features=features,
        lengths=lengths,
        labels=labels,
        ids=np.array([f"clip{row}" for row in range(60)]),
        splits=np.array(["train", "train", "test"])[np.arange(60) // 3 % 3],
        groups=np.array([f"person{row // 6}" for row in range(60)]),
        classes=np.array(["calm", "joy", "anger"]),
    )


def write_weights(folder: Path) -> None:
    """Random numbers where torchvision keeps the weights it has downloaded."""
    models = import_torchvision().models
    file = Path(models.ResNet18_Weights.DEFAULT.url).name
    torch.manual_seed(0)
    (folder / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(models.resnet18().state_dict(), folder / "hub" / "checkpoints" / file)


def run(folder: Path, number: int, kind: str, file: str, text: str) -> None:
    """Run a block."""
    if SETUP.search(text):
        makefile = (ROOT / "Makefile").read_text()
        for target in re.findall(r"^make (\w+)", text, re.M):
            assert re.search(rf"^{target}:", makefile, re.M), f"the Makefile has no {target}"
        return
    environment = {
        "TORCH_HOME": str(folder / "torch"),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "LOKY_MAX_CPU_COUNT": "1",  # the tests take the other core
    }
    commands = text.replace("\\\n", " ").splitlines()
    if kind == "python":
        script = folder / (file or f"snippet{number}.py")
        script.write_text(text)
        check(run_script(script, folder, environment))
    elif all(COMMAND.match(one) for one in commands):
        for one in commands:
            program, *arguments = shlex.split(one, comments=True)
            if program == "python":
                check(run_script(folder / arguments[0], folder, environment, arguments[1:]))
            else:
                check(run_command(arguments, folder, environment))
    else:
        own, output = {**os.environ, **environment}, {"capture_output": True, "text": True}
        check(subprocess.run(["bash", "-ec", text], cwd=folder, env=own, **output))


def check(done) -> None:
    """A block must exit with 0."""
    assert done.returncode == 0, done.stdout + done.stderr
