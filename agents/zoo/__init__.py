"""The zoo: trained agents that ship with the project, by name, "zoo:cues/reinforce".

Each is a run folder below this one, DATA/AGENT, and SHA256SUMS has the digests of its files.
"""

import hashlib
from functools import cache
from pathlib import Path

from frame_select_env import FrameSelectError
from frame_select_env.errors import known
from frame_select_env.storage import write_whole, writing

ZOO = Path(__file__).parent
SUMS = "SHA256SUMS"
PREFIX = "zoo:"
COPIES = Path("runs", "zoo")  # where commands that write into a run's folder put a copy


@cache
def digests() -> dict[str, dict[str, str]]:
    """Name of a run, "cues/reinforce" -> its files -> their sha256."""
    found: dict[str, dict[str, str]] = {}
    for line in (ZOO / SUMS).read_text(encoding="utf-8").splitlines():
        digest, path = line.split(maxsplit=1)
        name, _, file = path.rpartition("/")
        found.setdefault(name, {})[file] = digest
    return found


def run_folder(run: str | Path) -> Path:
    """The folder of a run: the path itself, or that of "zoo:DATA/AGENT", which is only read.

    Raises:
        FrameSelectError: for an unknown name, or files that are not those that were published.
    """
    name = _name(run)
    if name is None:
        return Path(run)
    if name not in digests():
        every = [f"{PREFIX}{one}" for one in digests()]
        raise FrameSelectError(known("run", f"{PREFIX}{name}", every))
    folder = ZOO / name
    for file, digest in digests()[name].items():
        path = folder / file
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise FrameSelectError(
                f"{path}: is not the published file, whose sha256 is {digest[:12]}...; restore it: "
                f"git checkout -- {path}"
            )
    return folder


def writable_folder(run: str | Path) -> Path:
    """The folder of a run to write results into: of "zoo:DATA/AGENT" a copy, runs/zoo/DATA/AGENT.

    Raises:
        FrameSelectError: as `run_folder` does.
    """
    name, folder = _name(run), run_folder(run)
    if name is None:
        return folder
    copy = COPIES / name
    with writing(copy):
        copy.mkdir(parents=True, exist_ok=True)
    for file in digests()[name]:
        content = (folder / file).read_bytes()
        if not (copy / file).is_file() or (copy / file).read_bytes() != content:
            write_whole(copy / file, content)
    return copy


def _name(run: str | Path) -> str | None:
    """What follows "zoo:"; None for a path."""
    text = run if isinstance(run, str) else run.as_posix()
    return text.removeprefix(PREFIX) if text.startswith(PREFIX) else None
