"""python -m tests.benchmarks: measure, print and write tests/benchmarks/RESULTS.md."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import environments, reinforce

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run every benchmark."""
    sections = {
        "Environments, index observations, transitions per second": environments.measure(),
        "REINFORCE, microseconds per video (one thread)": reinforce.measure(),
    }
    console = Console()
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Compare by the ratios: absolute figures are this machine's.",
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
