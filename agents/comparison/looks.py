"""How each label looks, the same in every picture of a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from agents.evaluation.curves import LINE_HEIGHT, spread
from agents.evaluation.style import AGENT_COLOURS

# Okabe and Ito's, then two that stay apart from them; after eight the lines are dashed.
COLOURS = (*AGENT_COLOURS, "#56B4E9", "#E69F00", "#5B3F99", "#7A5C2E")
MARKERS = "os^DvPX*"
BANDS = 4  # as many bands as can be told apart
LONGEST = 44  # characters of a name
CURVES_HEIGHT = 4.4  # inches, for which LINE_HEIGHT is made


@dataclass(frozen=True)
class Look:
    """Colour, marker and line style of one label."""

    colour: str
    marker: str
    line: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """A look for every label, by its place."""
    lines = ("-", "--", ":")
    return {
        label: Look(
            COLOURS[place % len(COLOURS)],
            # Shifted by one each time round, so that 64 labels have a look of their own.
            MARKERS[(place + place // len(COLOURS)) % len(MARKERS)],
            lines[place // len(COLOURS) % len(lines)],
        )
        for place, label in enumerate(labels)
    }


def plain(text: str) -> str:
    r"""Text for Matplotlib, which would set what is between two dollars as mathematics.

    What is longer than `LONGEST` loses its middle.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 16]}…{text[-15:]}"
    return text.replace("$", r"\$")


def name_ends(
    axes: Axes, ends: Sequence[tuple[float, str, str, bool]], height: float = CURVES_HEIGHT
) -> None:
    """Write names beside the right edge, at their lines' ends and apart.

    Args:
        axes: Where; its limits are final.
        ends: Value, name, colour, and whether it is bold.
        height: Of the picture, inches.
    """
    low, high = axes.get_ylim()
    ordered = sorted(ends)
    places = [(value - low) / (high - low) for value, *_ in ordered]
    gap = LINE_HEIGHT * CURVES_HEIGHT / height
    apart = within(spread(places, gap), gap)
    for (_, name, colour, bold), edge, place in zip(ordered, places, apart, strict=True):
        axes.annotate(
            plain(name),
            (1.0, edge),
            (1.045, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            fontweight="bold" if bold else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.8,
                "relpos": (0.0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def within(places: Sequence[float], gap: float) -> list[float]:
    """Rising places moved to lie between 0 and 1, `gap` apart as far as there is room."""
    moved = list(places)
    for place in range(len(moved) - 1, -1, -1):
        above = moved[place + 1] - gap if place + 1 < len(moved) else 1.0
        moved[place] = min(moved[place], above)
    for place in range(len(moved)):
        below = moved[place - 1] + gap if place else 0.0
        moved[place] = max(moved[place], below)
    return moved
