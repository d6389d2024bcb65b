"""Tables 1 to 5 of attention-aware sampling (Dong, Zhang and Tan, AAAI 2019), with its figures."""

from agents.reproduction.study import Line, PaperData, Study

PAPER = "Dong, Zhang and Tan, Attention-Aware Sampling via Deep Reinforcement Learning, AAAI 2019"
HMDB51 = PaperData("HMDB51", {"": 51})
ACTIONS = PaperData("HMDB51 and UCF101", {"": 51, "ucf101": 101, "ucf101-kinetics": 101})
FEATURE, BOTH_STATES = (("state", "feature"),), (("state", "feature+prediction"),)

# Random, frame-based and region-based selection by m.
TABLE_3 = {
    4: (61.5, 63.3, 63.6),
    8: (62.7, 63.4, 63.7),
    12: (63.1, 64.1, 64.3),
    16: (63.1, 63.8, 63.7),
    20: (63.6, 63.3, 63.3),
}

TABLES = (
    Study(
        "as-table1",
        "Two-stream accuracy with three backbones",
        f"{PAPER}, Table 1: HMDB51, mean of 3 splits, m = 12",
        (
            Line("Two-Stream", "two-stream", 66.7, "all"),
            Line("Two-Stream + AS", "two-stream", 68.6),
            Line("TSN (68.5 as reported by its authors)", "tsn", 69.9, "all"),
            Line("TSN + AS", "tsn", 71.2),
            Line("TSN + Kinetics", "tsn-kinetics", 75.8, "all"),
            Line("TSN + Kinetics, random frames", "tsn-kinetics", 75.4, "random"),
            Line("TSN + Kinetics + AS", "tsn-kinetics", 77.3),
        ),
        ("two-stream", "tsn", "tsn-kinetics"),
        data=HMDB51,
    ),
    Study(
        "as-table2",
        "The state: features, or features and predictions",
        f"{PAPER}, Table 2: HMDB51 split 1, two streams",
        (
            Line("Two-Stream", "two-stream", 67.1, "all", folds="first"),
            Line("Two-Stream + AS on s^f", "two-stream", 68.0, changes=FEATURE, folds="first"),
            Line(
                "Two-Stream + AS on s^f and s^r",
                *("two-stream", 69.1),
                changes=BOTH_STATES,
                folds="first",
            ),
            Line("TSN", "tsn", 70.9, "all", folds="first"),
            Line("TSN + AS on s^f", "tsn", 71.3, changes=FEATURE, folds="first"),
            Line("TSN + AS on s^f and s^r", "tsn", 72.2, changes=BOTH_STATES, folds="first"),
        ),
        ("two-stream", "tsn"),
        data=HMDB51,
    ),
    Study(
        "as-table3",
        "The number of frames and the selection scheme",
        f"{PAPER}, Table 3: HMDB51 split 1, spatial stream of TSN with Kinetics",
        (
            Line("all frames", "tsn-kinetics", 63.5, "all", folds="first", streams="first"),
            *(
                Line(
                    f"m = {m}, {name}",
                    *("tsn-kinetics", paper, "random" if name == "random" else "agent", m),
                    folds="first",
                    streams="first",
                    view_scheme="frame" if name == "frame" else "region",
                )
                for m, row in TABLE_3.items()
                for name, paper in zip(("random", "frame", "region"), row, strict=True)
            ),
        ),
        ("tsn-kinetics",),
        data=HMDB51,
    ),
    Study(
        "as-table4",
        "The weight alpha of the frames that are not selected",
        f"{PAPER}, Table 4: TSN, m = 12",
        tuple(
            Line(f"alpha = {alpha:g}", "tsn", paper, alpha=alpha)
            for alpha, paper in ((0.0, 71.24), (0.1, 71.00), (0.2, 71.15), (0.3, 70.94))
        ),
        ("tsn",),
        data=HMDB51,
    ),
    Study(
        "as-table5",
        "UCF101 and HMDB51",
        f"{PAPER}, Table 5: two streams, mean of 3 splits, m = 12",
        tuple(
            Line(f"{name}, {row}", name.lower() + kinetics, paper, ranking)
            for name, figures in (
                ("UCF101", (94.2, 94.6, 96.5, 96.8)),
                ("HMDB51", (69.9, 71.2, 75.8, 77.3)),
            )
            for (row, kinetics, ranking), paper in zip(
                (
                    ("TSN", "", "all"),
                    ("TSN + AS", "", "agent"),
                    ("TSN + Kinetics", "-kinetics", "all"),
                    ("TSN + Kinetics + AS", "-kinetics", "agent"),
                ),
                figures,
                strict=True,
            )
        ),
        ("ucf101", "hmdb51", "ucf101-kinetics", "hmdb51-kinetics"),
        data=ACTIONS,
    ),
)
