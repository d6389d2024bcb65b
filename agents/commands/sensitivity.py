"""frame-select sensitivity: what the log of a search says of every hyper-parameter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from agents.commands.options import print_line
from agents.evaluation.latex import write_latex
from agents.evaluation.text_tables import markdown_table, markdown_text, print_text_table
from agents.search.sensitivity import (
    NOTE,
    Sensitivity,
    sensitivities,
    sensitivity_table,
    sensitivity_title,
    write_marginals,
)
from agents.search.study import read_log
from data.commands.console import check_options
from frame_select_env import FrameSelectError
from frame_select_env.command_line import program
from frame_select_env.storage import write_whole, writing

PAGE, TABLE = "sensitivity.md", "sensitivity.csv"


@dataclass(frozen=True, kw_only=True)
class SensitivityArguments:
    """Tell how the score of a search's trials depends on every hyper-parameter that they varied.

    For each agent and task in the log: the mean score by value, its spread, and the importance of
    the hyper-parameter by fANOVA, as tables and a picture. Nothing is trained.
    """

    #: The log that `search` wrote, a CSV file.
    log: Annotated[Path, tyro.conf.Positional]
    #: Output folder. Default: LOG.sensitivity.
    out: Path | None = None
    #: Also write every table as LaTeX (booktabs), OUT/tables/*.tex.
    latex: bool = False


def sensitivity(arguments: list[str]) -> None:
    """Run the command."""
    check_options(SensitivityArguments, "sensitivity", arguments)
    options = tyro.cli(SensitivityArguments, prog=program("sensitivity"), args=arguments)
    if not options.log.is_file():
        raise FrameSelectError(f"{options.log}: no such file; name the CSV that `search` wrote")
    found = sensitivities(read_log(options.log))
    if not found:
        raise FrameSelectError(
            f"{options.log}: no search in it has two finished trials that differ"
        )
    out = options.out or options.log.with_name(f"{options.log.name}.sensitivity")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    write_page(out, found)
    write_marginals(out / TABLE, found)
    tables = [(sensitivity_title(one), sensitivity_table(one)) for one in found]
    if options.latex:
        write_latex(out, {f"search-{number}": one for number, one in enumerate(tables, start=1)})
    for title, table in tables:
        print_text_table(table, title)
    print_line(f"{PAGE}, {TABLE} and pictures are in {out}")


def write_page(out: Path, found: list[Sensitivity]) -> None:
    """Write the tables as Markdown, each with its picture, search-N.png."""
    from agents.pictures.sensitivity import plot_sensitivity  # Matplotlib takes long to import

    parts = ["# Sensitivity"]
    for number, one in enumerate(found, start=1):
        picture = out / f"search-{number}.png"
        plot_sensitivity(picture, one)
        title = markdown_text(sensitivity_title(one))
        parts += [f"## {title}", f"![Score by hyper-parameter]({picture.name})"]
        parts.append(markdown_table(sensitivity_table(one)))
    write_whole(out / PAGE, "\n\n".join([*parts, NOTE]) + "\n")
