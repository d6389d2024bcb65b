"""The picture of performance profiles: the share of runs that score above each threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.comparison.samples import Profile
from agents.pictures.style import BANDS, INK, line_styles, picture, plain, quiet_grid

CAPTION = (
    "The share of runs that score above the value on the horizontal axis (Agarwal et al., NeurIPS "
    "2021): a curve that is above another everywhere belongs to the better agent."
)


@dataclass(frozen=True)
class ProfilePanel:
    """The profiles of one panel."""

    title: str
    xlabel: str
    profiles: Mapping[str, Profile]  # by label
    ends: Sequence[float] = (0.0,)  # thresholds with a line: all frames, and the key frames
    scale: float = 1.0  # of the thresholds, 100 for points of accuracy


def plot_profiles(path: str | Path, panels: Sequence[ProfilePanel]) -> None:
    """Draw a curve per label, a panel beside the other; bands are 95 % intervals.

    Bands are drawn for up to four labels.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.profiles))
    styles, bands = line_styles(names), len(names) <= BANDS
    width = 4.6 * len(panels) + 0.08 * max(map(len, map(plain, names))) + 0.6
    with picture(path, width, max(3.6, 0.9 + 0.21 * len(names))) as canvas:
        grid = canvas.subplots(1, len(panels), sharey=True, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=True):
            for end, linestyle in zip(panel.ends, ("-", ":"), strict=False):
                axes.axvline(panel.scale * end, color=INK, linewidth=1, linestyle=linestyle)
            for name, one in panel.profiles.items():
                style, x = styles[name], panel.scale * one.threshold
                if bands:
                    area = {"color": style.color, "alpha": 0.13, "linewidth": 0, "step": "post"}
                    axes.fill_between(x, one.low, one.high, **area)
                how = {"color": style.color, "linestyle": style.linestyle, "linewidth": 2}
                axes.plot(x, one.share, drawstyle="steps-post", **how, label=plain(name))
            axes.set_title(plain(panel.title), fontsize=11)
            axes.set(xlabel=panel.xlabel, ylim=(-0.02, 1.02))
            quiet_grid(axes)
        grid[0].set_ylabel("share of runs above")
        lines = {
            text: line
            for axes in grid
            for line, text in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        handles, texts = list(lines.values()), list(lines)
        canvas.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=10)
