"""Tables as LaTeX: booktabs tabulars, to be included in a paper's own table environment."""

import re
from collections.abc import Mapping
from pathlib import Path

from agents.evaluation.text_tables import TextTable
from frame_select_env.storage import write_whole, writing

FOLDER = "tables"  # in the output folder of a command
NEEDS = r"% \usepackage{booktabs}"
# Every character that LaTeX reads as a command, or that its default encoding prints as another.
SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        "−": "$-$",
        "–": "--",
        "…": r"\dots{}",
    }
)


def latex_text(text: str) -> str:
    """Text on one line that LaTeX prints as it is; a minus before a number is a minus sign."""
    text = re.sub(r"(?<![\w.])-(?=[\d.])", "−", " ".join(text.split()))
    # After the end of a row a bracket would start an optional argument.
    return re.sub(r"^\[", "{[}", text.translate(SPECIAL))


def latex_table(table: TextTable, title: str = "") -> str:
    """A table as a booktabs tabular, numbers right-aligned, the first two cells of agents in bold.

    `title` becomes a comment, beside the package that the tabular needs.
    """
    import pandas as pd  # takes long to import

    rows = []
    for index, row in enumerate(table.rows):
        cells = [latex_text(cell) for cell in row]
        if table.kinds and table.kinds[index] == "agent":
            cells[:2] = [rf"\textbf{{{cell}}}" if cell else "" for cell in cells[:2]]
        rows.append(cells)
    frame = pd.DataFrame(rows, columns=[latex_text(cell) for cell in table.heading], dtype=object)
    alignment = "l" + "r" * (len(table.heading) - 1)
    # Escaped above: pandas leaves < and > as they are, and the default encoding prints ¡ and ¿.
    tabular = frame.to_latex(index=False, escape=False, column_format=alignment)
    return f"% {' '.join(title.split())}\n{NEEDS}\n{tabular}" if title else f"{NEEDS}\n{tabular}"


def write_latex(out: str | Path, tables: Mapping[str, tuple[str, TextTable]]) -> list[str]:
    """Write tables, name -> title and table, to OUT/tables/NAME.tex; returns the file names.

    Raises:
        FrameSelectError: if a file cannot be written.
    """
    folder = Path(out) / FOLDER
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, (title, table) in tables.items():
        write_whole(folder / f"{name}.tex", latex_table(table, title))
    return [f"{FOLDER}/{name}.tex" for name in tables]
