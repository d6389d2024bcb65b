"""The commands through their real entry point, python -m data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import run_module

from data.__main__ import main


def test_import_then_inspect(npz, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    command = [sys.executable, "-m", "data", "import", npz(), out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "30 videos" in done.stdout
    # The table that matters stands last.
    assert done.stdout.strip().splitlines()[-1].startswith("└")
    assert "accuracy %" in done.stdout
    seen = run_module("data", ["inspect", out, "--full"], tmp_path)
    assert seen.returncode == 0, seen.stderr
    assert "all values are valid" in seen.stdout


def test_bad_input_is_one_line_and_exit_code_2(npz, tmp_path: Path) -> None:
    done = run_module("data", ["import", npz(ids=None), "out.h5"], tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("python -m data import: ") and "ids: is missing" in line
    assert [file.name for file in tmp_path.iterdir()] == ["features.npz"]


def test_a_value_too_large_for_float32_is_one_line(npz, tmp_path: Path) -> None:
    path = npz()
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, "features": arrays["features"].astype(float) * 1e300})
    done = run_module("data", ["import", path, "out.h5"], tmp_path)
    (line,) = done.stderr.strip().splitlines()
    assert done.returncode == 2 and "is inf" in line


def test_no_command_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([])
    assert exit_info.value.code == 2
    assert "usage: python -m data COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ["import", "inspect", "digits"]),
        (
            "import",
            ["SOURCE", "OUT.h5", "--crossfit video|group|none", "--split-file", "hmdb51:DIR"]
            + ["ucf101:DIR", "--predictions", "--logits", "--seed", "--head-frames", "lengths [N]"]
            + [
                "SUMMARY.h5",
                "gtscore",
                "OpenFace",
                "COCO",
                "--axis [STREAM=]view|object",
                "--columns",
            ]
            + ["--objects K", "--fps FPS", "--folds group:K"],
        ),
        ("inspect", ["CACHE", "--full"]),
        ("digits", ["OUT.h5", "--seed"]),
        ("cues", ["OUT.h5", "--runs", "--distance", "--marker-contrast", "--noise", "--seed"]),
    ],
)
def test_help_names_every_option(
    capsys: pytest.CaptureFixture[str], command: str, words: list[str]
) -> None:
    if command:
        with pytest.raises(SystemExit) as exit_info:
            main([command, "--help"])
        assert exit_info.value.code == 0
    else:
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for word in words:
        assert word in text


def test_help_of_the_commands_does_not_wait_for_torch() -> None:
    program = (
        "import sys; from data.__main__ import main\n"
        "try: main(['import', '--help'])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip().endswith("False")
