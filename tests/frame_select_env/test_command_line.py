"""`frame-select`, run as the installed script runs it, also where own files bear our names."""

import csv
import importlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy
import pytest
from processes import Done, run_command, run_module

import frame_select_env
from frame_select_env.command_line import CLONE, COMMANDS, EXTRAS, HEADINGS, program

MAIN = "from frame_select_env.command_line import main; main()"


def frame_select(
    *arguments: object, cwd: Path | None = None, before: str = "pass", **variables: str
):
    """A Python of its own that runs the console script's code.

    -P leaves the current folder off sys.path, as the script does.
    """
    return subprocess.run(
        [sys.executable, "-P", "-c", f"{before}; {MAIN}", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        timeout=300,
    )


def only_line(done: Done | subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a command that refused its input."""
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    return write_own_modules(tmp_path)


def write_own_modules(folder: Path) -> Path:
    """A folder whose `agents`, `baselines`, `data` and even `torch` are not ours."""
    for name in ("agents/__init__.py", "agents/__main__.py", "baselines.py", "data.py", "torch.py"):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"raise RuntimeError({name!r})\n")
    (folder / "my_rewards.py").write_text(
        "import sys\n"
        "from pathlib import Path\n\n"
        "from frame_select_env import register_reward\n\n"
        "ray = sys.modules.get('ray')\n"
        "if ray is not None and ray.is_initialized():  # in a worker\n"
        "    Path(__file__).with_name('address').write_text(ray.util.get_node_ip_address())\n\n\n"
        "@register_reward('certainty', needs=())\n"
        "def certainty(outcome):\n"
        "    return outcome.p1.max(axis=1) - outcome.p0.max(axis=1)\n"
    )
    return folder


def test_the_installed_distribution_has_the_script():
    (script,) = (
        one
        for one in importlib.metadata.distribution("frame-select-env").entry_points
        if one.group == "console_scripts"
    )
    assert script.name == "frame-select"
    assert script.load() is importlib.import_module("frame_select_env.command_line").main


def test_help_lists_every_command_below_its_heading(tmp_path):
    done = run_command(["--help"], tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: frame-select COMMAND ...\n")
    for folder, heading in HEADINGS.items():
        section = done.stdout.partition(f"{heading}:\n")[2].partition("\n\n")[0]
        listed = [line.split()[0] for line in section.splitlines()]
        assert listed == [name for name, one in COMMANDS.items() if one.folder == folder]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_every_command_is_a_function_of_its_arguments():
    for command in COMMANDS.values():
        module, _, function = command.target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_version_is_that_of_the_package_and_of_pyproject():
    done = frame_select("--version")
    first, *others = done.stdout.splitlines()
    assert first == f"frame-select-env {frame_select_env.__version__}"
    assert f"numpy {numpy.__version__}" in others and any(o.startswith("torch ") for o in others)
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    assert project["version"] == frame_select_env.__version__
    assert project["scripts"] == {"frame-select": "frame_select_env.command_line:main"}
    assert set(EXTRAS) < set(project["optional-dependencies"])


def test_no_command_prints_the_usage_on_standard_error(tmp_path):
    done = run_command([], tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("usage: frame-select COMMAND ...")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trian", "did you mean 'train'?"),
        ("evalute", "did you mean 'evaluate'?"),
        ("xyz", "known: compare, compose, "),
    ],
)
def test_a_mistyped_command(tmp_path, name, hint):
    line = only_line(run_command([name], tmp_path))
    assert line.startswith(f"frame-select: unknown command {name!r}; {hint}")


def test_a_command_of_the_other_folder(tmp_path):
    line = only_line(run_module("data", ["train"], tmp_path))
    assert line == "python -m data: unknown command 'train'; did you mean 'frame-select train'?"


@pytest.mark.parametrize("name", ["inspect", "train", "compare"])
def test_messages_name_the_program_as_it_was_called(tmp_path, name):
    folder = COMMANDS[name].folder
    usage = run_command([name, "--help"], tmp_path).stdout
    assert f"usage: frame-select {name} " in usage
    usage = run_module(folder, [name, "--help"], tmp_path).stdout
    assert f"usage: python -m {folder} {name} " in usage
    arguments = {
        "inspect": ["absent.h5"],
        "train": ["--data", "absent.h5", "--out", "run"],
        "compare": ["--data", "absent.h5", "--agents", "ppo", "--out", "out"],
    }[name]
    line = only_line(run_command([name, *arguments], tmp_path))
    assert line.startswith(f"frame-select {name}: absent.h5: ")
    line = only_line(run_module(folder, [name, *arguments], tmp_path))
    assert line.startswith(f"python -m {folder} {name}: absent.h5: ")


def test_program_without_a_dispatcher_is_frame_select(monkeypatch):
    monkeypatch.setattr("frame_select_env.command_line._called_as", "frame-select")
    assert program("train") == "frame-select train"


def test_from_a_folder_with_modules_of_our_names(own_folder):
    done = frame_select("inspect", "digits", cwd=own_folder)
    assert done.returncode == 0 and "digits.h5" in done.stdout, done.stderr
    run = own_folder / "run"
    reward = ("--reward", "my_rewards:certainty", "--budget", 100, "--num-frames", 10)
    done = frame_select("train", "--data", "digits", "--out", run, *reward, cwd=own_folder)
    assert done.returncode == 0, done.stderr
    assert "next: frame-select evaluate" in done.stdout


def compared(folder: Path, *work: object) -> list[dict[str, str]]:
    """The rows of a comparison that is paid by the folder's own reward, without their clocks."""
    grid = ("--data", "digits", "--agents", "reinforce", "--rewards", "my_rewards:certainty")
    size = ("--seeds", 2, "--budget", 100, "--frames", 4, "--resamples", 20)
    done = run_command(["compare", *grid, *size, *work, "--out", "out"], folder)
    assert done.returncode == 0, done.stderr
    with (folder / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{n: cell for n, cell in row.items() if not n.endswith("seconds")} for row in rows]


@pytest.fixture(scope="module")
def by_one_process(tmp_path_factory):
    return compared(write_own_modules(tmp_path_factory.mktemp("one")), "--jobs", 1)


@pytest.mark.parametrize("engine", ["joblib", "ray"])
def test_workers_find_our_modules_first_and_own_ones_last(own_folder, by_one_process, engine):
    rows = compared(own_folder, "--jobs", 2, "--engine", engine)
    trained = [row for row in rows if row["agent"] == "reinforce"]
    assert {row["seed"] for row in trained} == {"0", "1"}
    assert {row["reward"] for row in trained} == {"my_rewards:certainty"}
    assert rows == by_one_process
    if engine == "ray":  # which without an address listens on this machine alone
        assert (own_folder / "address").read_text() == "127.0.0.1"


def test_python_m_puts_the_current_folder_last_too(own_folder):
    for name in ("agents/__init__.py", "agents/__main__.py", "torch.py"):
        (own_folder / name).unlink()  # python itself finds these before any of our code runs
    (own_folder / "agents").rmdir()
    arguments = ["train", "--data", "digits", "--out", "run", "--budget", "100"]
    command = [sys.executable, "-m", "agents", *arguments, "--reward", "my_rewards:certainty"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=own_folder, timeout=300)
    assert done.returncode == 0, done.stderr
    config = json.loads((own_folder / "run" / "config.json").read_text())
    assert config["task"]["reward"] == "my_rewards:certainty"
    with (own_folder / "run" / "metrics.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert int(last["episodes"]) >= 100 and abs(float(last["reward"])) < 1  # p1 less p0, no omega


def test_the_library_without_a_clone_says_what_to_do(tmp_path):
    package = Path(frame_select_env.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / "frame_select_env", ignore=ignored)
    assert frame_select("--help", PYTHONPATH=str(tmp_path)).returncode == 0
    line = only_line(frame_select("train", "--help", PYTHONPATH=str(tmp_path)))
    assert line.startswith("frame-select train: needs a clone of the repository")
    assert 'pip install --editable ".[agents,video]"' in line


@pytest.mark.parametrize(
    ("module", "command", "extras"),
    [
        ("torch", ("train", "--data", "digits", "--out", "run"), "agents"),
        ("tyro", ("inspect", "digits"), "agents"),
        ("tyro", ("extract", "videos", "out.h5", "--backbone", "resnet18"), "agents,video"),
    ],
)
def test_a_missing_extra_is_named(tmp_path, module, command, extras):
    absent = f"import sys; sys.modules[{module!r}] = None"
    line = only_line(frame_select(*command, cwd=tmp_path, before=absent))
    assert line == (
        f"frame-select {command[0]}: {module} is not installed; "
        f'run: pip install --editable "{CLONE}[{extras}]"'
    )
