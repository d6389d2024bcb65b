"""Tables 1 to 3 and Figures 2 to 4 of the dual focus attention network, with its figures.

What is measured is the network's own answer, the row NAME-network.
"""

from collections.abc import Iterable

from agents.reproduction.attention_pictures import draw_attention
from agents.reproduction.confusion import draw_confusion
from agents.reproduction.study import EVERY, NETWORK, PAPER, Line, PaperData, Study

SOURCE = (
    "Qiu, He and Wang, Dual Focus Attention Network for Video Emotion Recognition, ICME 2020, {}: "
    "VideoEmotion-8, mean of 10 random splits, and Ekman-6; every eighth frame"
)
DATA = {"videoemotion": "VideoEmotion", "ekman": "Ekman"}
VIDEOS = PaperData(
    "VideoEmotion-8 and Ekman-6",
    classes={"videoemotion": 8, "ekman": 6},
    folds={"videoemotion": 10, "ekman": 1},
    streams=3,
    views=1,
    num_frames=None,
)
TIME_FOCUS = (("object_focus", False),)
ROLES = {"A": "action", "S": "scene", "O": "objects"}


def line(source: str, row: str, paper: float | None, **more: object) -> Line:
    """A line about one of the two data sets, on all streams if it does not name some."""
    fields = {"ranking": NETWORK, "stream": EVERY, "frames": 8} | more
    return Line(f"{DATA[source]}, {row}", source, paper, **fields)  # type: ignore[arg-type]


def study(name: str, title: str, where: str, lines: Iterable[Line], **more: object) -> Study:
    """A study of the network on both data sets."""
    return Study(
        *(name, title, SOURCE.format(where), tuple(lines), tuple(DATA)),
        data=VIDEOS,
        agents=("dfan",),
        **more,  # type: ignore[arg-type]
    )


# By streams, of VideoEmotion and Ekman.
TABLE_1 = {
    "A": (51.51, 56.42),
    "S": (39.08, 45.47),
    "O": (18.74, 23.16),
    "A + S": (52.78, 56.88),
    "A + S + O": (53.34, 57.37),
}
MAXIMUM, AVERAGE, TIME, BOTH = (49.48, 53.12), (50.02, 54.28), (51.88, 55.93), (53.34, 57.37)
OTHERS = {
    "Jiang et al., visual": (41.90, None),
    "Jiang et al., visual and audio": (46.10, None),
    "ITE": (43.80, 50.90),
    "Content Fusion Network": (50.60, 51.80),
    "Kernelized Feature": (49.70, 54.40),
    "Concept Selection": (51.48, 55.62),
}

TABLES = (
    study(
        "dfan-table1",
        "The streams: action (A), scene (S) and objects (O)",
        "Table 1",
        (
            line(source, row, paper[place], stream="+".join(ROLES[one] for one in row.split(" + ")))
            for place, source in enumerate(DATA)
            for row, paper in TABLE_1.items()
        ),
    ),
    study(
        "dfan-table2",
        "Pooling, time focus and object focus",
        "Table 2 (pooling of 10 uniform frames)",
        (
            one
            for place, source in enumerate(DATA)
            for one in (
                line(source, "max pooling", MAXIMUM[place], changes=(("pooling", "max"),)),
                line(source, "average pooling", AVERAGE[place], changes=(("pooling", "average"),)),
                line(source, "T.Focus", TIME[place], changes=TIME_FOCUS),
                line(source, "T.Focus + O.Focus", BOTH[place], needs="objects"),
            )
        ),
    ),
    study(
        "dfan-table3",
        "Dual focus attention beside other methods",
        "Table 3 (the figures of other methods are the paper's alone)",
        (
            one
            for place, source in enumerate(DATA)
            for one in (
                *(line(source, row, paper[place], ranking=PAPER) for row, paper in OTHERS.items()),
                line(source, "T.Focus", TIME[place], changes=TIME_FOCUS),
                line(source, "T.Focus + O.Focus", BOTH[place], needs="objects"),
            )
        ),
    ),
    study(
        "dfan-fig2",
        "The number of objects of a frame",
        "Figure 2 (bars without figures; the highest is that of 4 objects)",
        (
            line(
                source, f"{count} objects", None, changes=(("max_objects", count),), needs="objects"
            )
            for source in DATA
            for count in (2, 4, 8, 16)
        ),
    ),
    study(
        "dfan-fig3",
        "Which classes are taken for which",
        "Figure 3, confusion matrices",
        (line(source, "all streams", BOTH[place]) for place, source in enumerate(DATA)),
        draw=draw_confusion,
    ),
    study(
        "dfan-fig4",
        "Where the network looks",
        "Figure 4, attention over time and to objects",
        (line(source, "all streams", BOTH[place]) for place, source in enumerate(DATA)),
        draw=draw_attention,
    ),
)
