"""frame-select shortcuts: what one-line formulas reach on a cache, before anything is trained."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from agents.commands.options import print_line
from agents.evaluation.shortcuts import Shortcuts, find_shortcuts
from agents.evaluation.text_tables import TextTable, number_text, print_text_table
from baselines.fitted_formula import Rule
from data.commands.console import check_options
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.command_line import program
from frame_select_env.consensus import MEAN
from frame_select_env.wording import counted

HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class ShortcutsArguments:
    """Score one-line formulas: the norm of a frame's features, its confidence, and their like.

    Each is averaged over a frame and 0, 1 or 2 on each side, with both signs, and keeps the best 1,
    2, 4 or 8 frames or those above a threshold, whichever has the fewest errors on the training
    videos. Where a formula is far on the way from all frames to the key frames, a result on these
    videos says that an agent learns, not that learning is needed.
    """

    #: Names of bundled caches, or paths.
    data: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="CACHE...")]
    #: The fold of the splits and predictions.
    fold: str = "default"
    #: The stream of features; required only if a cache has several.
    stream: str | None = None
    #: What predicts a video from the frames that a formula keeps: mean, max, or a judge's file or
    #: bundled name.
    aggregator: str = MEAN
    #: The split to score.
    split: str = "test"
    #: The split to fit on.
    train_split: str = "train"
    #: Frames per video, T.
    num_frames: int = 25


def shortcuts(arguments: list[str]) -> None:
    """Run the command."""
    check_options(ShortcutsArguments, "shortcuts", arguments)
    options = tyro.cli(ShortcutsArguments, prog=program("shortcuts"), args=arguments)
    if not options.data:
        raise FrameSelectError("name at least one cache")
    for data in options.data:
        cache = open_cache(data)
        found = find_shortcuts(
            cache,
            fold=options.fold,
            split=options.split,
            train_split=options.train_split,
            num_frames=options.num_frames,
            stream=options.stream,
            aggregator=options.aggregator,
        )
        title = f"{cache.path.stem}, {options.split}: {counted(found.videos, 'video')}"
        print_text_table(table_of(found), title)
        print_line(verdict(found))


def table_of(found: Shortcuts) -> TextTable:
    """A row per formula, below all frames and the key frames."""
    rows = [["all frames", "", "", number_text(found.all_frames, True), ""]]
    if found.key_frames is not None:
        rows.append(["key frames", "", "", number_text(found.key_frames, True), ""])
    for one in found.found:
        share = "" if one.share is None else f"{one.share:.2f}"
        reach = f"±{one.rule.reach}"
        accuracy = number_text(one.accuracy, True)
        rows.append([one.formula, reach, _kept(one.rule), accuracy, share])
    return TextTable(["formula", "averaged", "keeps", "accuracy %", "share of the way"], rows)


def verdict(found: Shortcuts) -> str:
    """One line: how far the best formula is on the way to the key frames."""
    if found.key_frames is None:
        return "the cache has no importance, so the key frames are unknown"
    shares = [(one.share, one.formula) for one in found.found if one.share is not None]
    if not shares:
        return "the key frames are no better than all frames"
    share, name = max(shares)
    if share > HALF:
        return f"{name} is a shortcut: {share:.2f} of the way from all frames to the key frames"
    return f"no shortcut: no formula is above {max(share, 0):.2f} of the way to the key frames"


def _kept(rule: Rule) -> str:
    """What a rule keeps, in words."""
    end = "highest" if rule.sign > 0 else "lowest"
    if rule.frames is not None:
        return f"{end} {rule.frames}"
    sign = ">=" if rule.sign > 0 else "<="
    return f"{sign} {rule.sign * rule.threshold:.3g}"
