"""What a command left: its finished work, its damage, and how it differs from another's."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py

from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.storage import PART
from tests.torture import surface

CLOCKS = {"seconds", "cpu_seconds"}

# Files whose bytes hold times or paths: they must be there, and nothing more is compared.
TIMED = (".html", ".md", ".png")


def work_done(out: Path) -> dict[Path, int]:
    """What no later command may do again: finished shards and runs by file, epochs by number."""
    found = {
        file: file.stat().st_ino
        for pattern in ("*.shards/*.safetensors", "**/model.safetensors")
        for file in out.glob(pattern)
        if file.parent.suffix != PART
    }
    for file in out.glob("**/metrics.csv"):
        if file.parent.suffix == PART:
            continue
        found[file] = len(file.read_text().splitlines())
    return found


def lost_work(before: dict[Path, int], out: Path) -> str:
    """The first piece of work done before that is gone or was done again."""
    now = work_done(out)
    complete = (out / "out.h5").exists() and not (out / "out.h5.shards").exists()
    for file, value in before.items():
        shard = file.parent.suffix == ".shards"
        kept = now.get(file, -1) >= value if file.suffix == ".csv" else now.get(file) == value
        if not kept and not (shard and complete):
            return f"{file.relative_to(out)}: was {value} and is {now.get(file)}"
    return ""


def compare_folders(kept: Path, out: Path) -> tuple[list[str], list[str], list[str]]:
    """Names of files there are too many, that lack, and whose contents differ."""
    names = [
        {str(f.relative_to(root)) for f in root.rglob("*") if "tfevents" not in f.name}
        for root in (kept, out)
    ]
    changed = [
        name
        for name in sorted(names[0] & names[1])
        if (kept / name).is_file() and _content(kept / name) != _content(out / name)
    ]
    return sorted(names[1] - names[0]), sorted(names[0] - names[1]), changed


def _content(file: Path) -> Any:
    """What must be equal to the bit: clocks aside."""
    if file.suffix in TIMED:
        return file.stat().st_size > 0
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as text:
            return [
                {name: cell for name, cell in row.items() if name not in CLOCKS}
                for row in csv.DictReader(text)
            ]
    if file.suffix == ".json":
        read = json.loads(file.read_text())
        return {name: value for name, value in read.items() if name not in CLOCKS}
    if file.suffix == ".h5":
        found: dict[str, Any] = {}
        with h5py.File(file) as h5:
            found["/"] = sorted((name, str(value)) for name, value in h5.attrs.items())
            h5.visititems(
                lambda name, item: found.update(
                    {name: (item.shape, item[()].tobytes(), sorted(map(str, item.attrs.items())))}
                    if isinstance(item, h5py.Dataset)
                    else {}
                )
            )
        return found
    return file.read_bytes()


def damaged_cache(path: Path) -> str:
    try:
        if path.exists():
            surface.cache_facts(FeatureCache(path))
    except FrameSelectError as error:
        return str(error).replace(str(path.parent), "…")[:120]
    return ""


def plain_name(name: str) -> str:
    """A name without the numbers and random letters that temporary names hold."""
    return "".join("#" if letter.isdigit() else letter for letter in name)
