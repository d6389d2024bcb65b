"""The command `frame-select`, and the same commands as `python -m data` and `python -m agents`.

The commands live in the folders `data` and `agents` of a clone, next to this package; the installed
library alone has none of them.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from frame_select_env.errors import FrameSelectError, known
from frame_select_env.versions import versions


@dataclass(frozen=True)
class Command:
    """A command: `python -m FOLDER NAME`, run by the function at "FOLDER.module:function"."""

    target: str
    summary: str
    extras: str = "agents"  # what pip must install for it

    @property
    def folder(self) -> str:
        """Its folder, "data" or "agents"."""
        return self.target.partition(".")[0]


#: By name. A target is imported only when its command runs: --help never waits for torch.
COMMANDS = {
    "import": Command(
        "data.commands.import_features:import_features",
        "make a cache from features you already have",
    ),
    "extract": Command(
        "data.commands.extract:extract",
        "make a cache from videos: decode, run backbones, train the head",
        "agents,video",
    ),
    "inspect": Command("data.commands.inspect:inspect", "summarise and check a cache"),
    "digits": Command("data.commands.synthetic:digits", "make the bundled cache of digits"),
    "cues": Command(
        "data.commands.synthetic:cues", "make the bundled cache of cues: only context tells"
    ),
    "needle": Command(
        "data.commands.synthetic:needle", "make videos with few key frames among many others"
    ),
    "planted": Command(
        "data.commands.synthetic:planted", "make synthetic videos whose best selection is known"
    ),
    "compose": Command(
        "data.commands.compose:compose",
        "splice clips of a cache into long videos: needles in a haystack",
    ),
    "head": Command("data.commands.head:head", "give a cache the predictions of another head"),
    "shortcuts": Command(
        "agents.commands.shortcuts:shortcuts",
        "score one-line formulas on a cache, before anything is trained",
    ),
    "train": Command("agents.commands.train:train", "train one agent on a cache"),
    "judge": Command(
        "agents.commands.judge:judge", "train a network that predicts videos from chosen frames"
    ),
    "evaluate": Command(
        "agents.commands.evaluate:evaluate",
        "score trained agents and reference rankings on the test split",
    ),
    "pick": Command(
        "agents.commands.pick:pick",
        "pick frames of new videos: pictures, JSON and CSV",
        "agents,video",
    ),
    "export": Command(
        "agents.commands.export:export",
        "write the scorer of a one-shot agent as an ONNX model",
        "agents,video,onnx",
    ),
    "compare": Command(
        "agents.commands.compare:compare",
        "train a grid of agents, rewards and seeds, and write a report",
    ),
    "suite": Command(
        "agents.commands.suite:suite",
        "train agents on tasks of one ability each, and rank them",
    ),
    "reproduce": Command(
        "agents.commands.reproduce:reproduce",
        "reproduce a table of a paper, or an ablation, on your caches",
    ),
    "returns": Command(
        "agents.commands.returns:returns",
        "measure what reference policies and an agent earn",
    ),
    "predict-cache": Command(
        "agents.commands.predict_cache:predict_cache",
        "make a cache whose predictions are a trained network's",
    ),
    "search": Command(
        "agents.commands.search:search", "search hyper-parameters on validation videos"
    ),
    "sensitivity": Command(
        "agents.commands.sensitivity:sensitivity",
        "show how a search's scores depend on each hyper-parameter",
    ),
}
HEADINGS = {"data": "Make and inspect caches", "agents": "Train and compare agents"}
#: Extra -> the modules it installs, to name the extra when one of them is missing.
EXTRAS = {
    "agents": (
        *("torch", "stable_baselines3", "sb3_contrib", "tensorboard", "safetensors", "scipy"),
        *("sklearn", "matplotlib", "tyro", "rich", "joblib", "jinja2", "pandas", "optuna"),
        "yaml",
    ),
    "video": ("av", "torchvision"),
    "render": ("PIL",),
    "huggingface": ("transformers",),
    "onnx": ("onnx", "onnxruntime"),
    "ray": ("ray",),
    "wandb": ("wandb",),
}
CLONE = Path(__file__).resolve().parents[1]

_called_as = "frame-select"


def program(command: str) -> str:
    """How the user called this command, for `--help` and messages: "frame-select train"."""
    return f"{_called_as} {command}"


def main(arguments: Sequence[str] | None = None) -> None:
    """`frame-select COMMAND ...`; arguments default to the process's own."""
    run_command("frame-select", tuple(HEADINGS), arguments)


def run_command(
    called_as: str, folders: Sequence[str], arguments: Sequence[str] | None = None
) -> None:
    """Run the command that the first argument names, and exit with 2 and one line on bad input.

    `called_as` is what the user typed before it, "python -m agents"; the commands of `folders`, of
    "data" and "agents", are offered.
    """
    global _called_as
    _called_as = called_as
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        print(_usage(called_as, folders), end="")
    elif "--version" in (name, *rest):
        print("\n".join(f"{one} {version}" for one, version in versions().items()))
    elif not name:
        print(_usage(called_as, folders), end="", file=sys.stderr)
        raise SystemExit(2)
    else:
        offered = [one for one, command in COMMANDS.items() if command.folder in folders]
        with one_line_errors(called_as):
            if name not in offered:
                raise FrameSelectError(_unknown(name, offered))
        with one_line_errors(program(name)):
            _put_clone_first()
            _run(COMMANDS[name], rest)


@contextmanager
def one_line_errors(prefix: str) -> Iterator[None]:
    """Turn a `FrameSelectError` into one line on standard error and exit code 2.

    Ctrl-C exits with the shell's code for it, 130, and no traceback.
    """
    try:
        yield
    except FrameSelectError as error:
        print(f"{prefix}: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as interrupt:
        # A command that keeps finished work says so in the interrupt's arguments.
        print(": ".join([prefix, "interrupted", *map(str, interrupt.args)]), file=sys.stderr)
        raise SystemExit(130) from None


def _usage(called_as: str, folders: Sequence[str]) -> str:
    lines = [f"usage: {called_as} COMMAND ..."]
    for folder in folders:
        ours = [(name, one.summary) for name, one in COMMANDS.items() if one.folder == folder]
        lines += ["", f"{HEADINGS[folder]}:", *(f"  {name:<13} {text}" for name, text in ours)]
    return "\n".join([*lines, "", f"Run {called_as} COMMAND --help for its options.", ""])


def _unknown(name: str, offered: Sequence[str]) -> str:
    if name in COMMANDS:
        return f"unknown command {name!r}; did you mean 'frame-select {name}'?"
    return known("command", name, offered)


def _put_clone_first() -> None:
    """Let `agents`, `baselines` and `data` mean the clone's, and search the current folder last.

    Worker processes inherit sys.path.
    """
    ours = ("agents/__main__.py", "baselines/__init__.py", "data/__main__.py")
    if not all((CLONE / path).is_file() for path in ours):
        raise FrameSelectError(
            "needs a clone of the repository, not only the installed library; "
            'clone it and run there: pip install --editable ".[agents,video]"'
        )
    here = os.getcwd()
    rest = [path for path in sys.path if os.path.abspath(path) not in (str(CLONE), here)]
    sys.path[:] = [str(CLONE), *rest, here]


def _run(command: Command, arguments: Sequence[str]) -> None:
    """Run a command; if it misses an optional dependency, say how to install that."""
    module, _, function = command.target.partition(":")
    try:
        getattr(importlib.import_module(module), function)(arguments)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extras = [extra for extra, modules in EXTRAS.items() if missing in modules]
        if not extras:
            raise
        wanted = ",".join(dict.fromkeys([*command.extras.split(","), *extras]))
        raise FrameSelectError(
            f'{missing} is not installed; run: pip install --editable "{CLONE}[{wanted}]"'
        ) from None
