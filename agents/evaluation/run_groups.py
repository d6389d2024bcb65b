"""Run folders by their row in the table: the seeds of an agent, and its runs on several streams."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from agents.registry import agent_design, with_values
from agents.training.load import check_trust
from agents.training.run_folder import as_json, read_config
from frame_select_env import FrameSelectError

RunFolders: TypeAlias = Path | tuple[Path, ...]  # of a run: its folder, or one for each stream
WORDS = {2: "two", 3: "three", 4: "four"}


def group_runs(folders: Sequence[Path], trust_code: bool = False) -> dict[str, list[Path]]:
    """Run folders by agent's name, or by NAME@hyper=value,... where hyper-parameters differ."""
    texts: list[tuple[str, str]] = []
    for folder in folders:
        config = read_config(folder)
        check_trust(folder, config, trust_code)
        design = agent_design(config["agent"])
        tuned, hyper = as_json(design.presets["tuned"]), config.get("hyper", {})
        changed = {name: value for name, value in hyper.items() if value != tuned.get(name)}
        texts.append((design.name, with_values(config["agent"], changed)))
    groups: dict[str, list[Path]] = {}
    for folder, (name, text) in zip(folders, texts, strict=True):
        several = len({other for same, other in texts if same == name}) > 1
        groups.setdefault(text if several else name, []).append(folder)
    return groups


def fuse_runs(folders: Sequence[Path], trust_code: bool = False) -> dict[str, list[RunFolders]]:
    """Runs on several streams by their name in the table, a folder for each stream.

    Runs of one agent and seed on all streams are one run. A single agent is called "two-stream",
    one of several "two-stream NAME".

    Raises:
        FrameSelectError: if there are fewer than two streams, or a run is missing on one of them.
    """
    by_stream: dict[str | None, list[Path]] = {}
    for folder in folders:
        by_stream.setdefault(read_config(folder)["task"].get("stream"), []).append(folder)
    if len(by_stream) < 2:
        raise FrameSelectError(
            f"--fuse: all runs are on the stream {next(iter(by_stream))!r}; name runs on two"
        )
    keyed: list[dict[tuple[str, int], Path]] = []
    for own in by_stream.values():
        grouped = group_runs(own, trust_code).items()
        keyed.append(
            {
                (name, read_config(folder)["task"]["seed"]): folder
                for name, same in grouped
                for folder in same
            }
        )
    for stream, runs in zip(by_stream, keyed, strict=True):
        for name, seed in sorted(keyed[0].keys() ^ runs.keys()):
            raise FrameSelectError(
                f"--fuse: {name} with seed {seed} was not trained on both "
                f"{next(iter(by_stream))!r} and {stream!r}; name runs of the same agent and seed "
                "on every stream"
            )
    names = dict.fromkeys(name for name, _ in keyed[0])
    prefix = f"{WORDS.get(len(keyed), len(keyed))}-stream"
    fused: dict[str, list[RunFolders]] = {}
    for key in keyed[0]:
        name = prefix if len(names) == 1 else f"{prefix} {key[0]}"
        fused.setdefault(name, []).append(tuple(runs[key] for runs in keyed))
    return fused
