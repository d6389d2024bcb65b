"""python -m tests.benchmarks: measure, print and write tests/benchmarks/RESULTS.md."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tests.benchmarks import (
    bridge,
    decoding,
    dfan,
    environments,
    extraction,
    learners,
    learning,
    memory,
    reaction,
    reading,
    reinforce,
    waiting,
)

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run every benchmark on one core."""
    threadpool_limits(1)
    sections = {
        "Environments, transitions per second": environments.measure(),
        "All that a user waits for, transitions per second": waiting.measure(),
        "Peers, transitions per second by the same measure": waiting.measure_peers(),
        "Stable-Baselines3, transitions per second of the environment alone": bridge.measure(),
        "Stable-Baselines3 end to end, transitions per second": learning.measure(),
        "DQN with a million transitions of 25 frames of 2048 features": memory.measure(),
        "Random videos, 25 frames each, videos per second": reading.measure(),
        "Decoding, 1500 frames of 640 x 360": decoding.measure(),
        "Extraction with ResNet-18 at 64 pixels, 25 frames a video": extraction.measure(),
        "REINFORCE, microseconds per video": reinforce.measure(),
        "DFAN, CPU microseconds per video of 25 frames": dfan.measure(),
        "Reaction, CPU microseconds per video of 25 frames": reaction.measure(),
        "Every agent on digits, 6,400 episodes": learners.measure(),
        "Growth with the corpus": learners.measure_growth(),
    }
    console = Console(width=None if sys.stdout.isatty() else 140)
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`, on one core. Compare by the ratios: absolute figures are the",
        "machine's. *Bare* is the step's arithmetic from tables in RAM with actions and videos",
        "drawn beforehand, into the same fresh arrays, without checks, infos, autoreset or dicts.",
        "*In step*: videos of one length; *out of step*: of 10 to 40 frames, so that episodes end",
        "at any time. *All that a user waits for* counts resets in the time, not as transitions;",
        "its bare step reads float32 tables, sums at an episode's end and draws its own videos.",
        "",
    ]
    for title, rows in sections.items():
        table = Table(title=title, title_justify="left")
        names = list(rows[0])
        lines += [f"## {title}", "", f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
        for name in names:
            table.add_column(name, justify="right")
        for row in rows:
            cells = [_text(value) for value in row.values()]
            table.add_row(*cells)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
        console.print(table)
    RESULTS.write_text("\n".join(lines))
    console.print(f"written to {RESULTS.relative_to(Path.cwd())}", highlight=False)


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
