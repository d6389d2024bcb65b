"""Confusion matrices of a study's lines: confusion.csv, and the matrices as figure.png."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agents.evaluation.files import write_csv
from agents.reproduction.study import Measured

COLUMNS = ("line", "agent", "label", "predicted", "share", "paper")
EKMAN = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
VIDEO_EMOTION = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")
# Figure 3 of Qiu, He and Wang (ICME 2020): of the videos of a class, the share that is taken for
# each. A row is a true class.
PAPER = {
    "ekman": (
        EKMAN,
        (
            (0.51, 0.09, 0.13, 0.03, 0.08, 0.19),
            (0.03, 0.54, 0.18, 0.05, 0.05, 0.14),
            (0.07, 0.07, 0.59, 0.06, 0.10, 0.11),
            (0.03, 0.04, 0.09, 0.54, 0.06, 0.23),
            (0.02, 0.09, 0.10, 0.07, 0.53, 0.20),
            (0.11, 0.04, 0.05, 0.08, 0.06, 0.64),
        ),
    ),
    "videoemotion": (
        VIDEO_EMOTION,
        (
            (0.50, 0.01, 0.04, 0.25, 0.01, 0.01, 0.21, 0.01),
            (0.06, 0.08, 0.20, 0.08, 0.08, 0.10, 0.42, 0.06),
            (0.00, 0.00, 0.65, 0.12, 0.06, 0.03, 0.15, 0.01),
            (0.06, 0.01, 0.04, 0.66, 0.09, 0.09, 0.04, 0.02),
            (0.02, 0.00, 0.02, 0.09, 0.67, 0.04, 0.18, 0.00),
            (0.01, 0.01, 0.14, 0.18, 0.07, 0.58, 0.04, 0.00),
            (0.01, 0.01, 0.01, 0.07, 0.05, 0.00, 0.86, 0.01),
            (0.07, 0.00, 0.03, 0.10, 0.17, 0.03, 0.41, 0.17),
        ),
    ),
}
SIDE = 0.42  # inches a cell


def confusion(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Of the videos of each class, the share taken for each: [C, C] float64, a row a true class.

    Labels [n] and predictions [R, n] of R runs, -1 for none. The row of a class without a video is
    NaN.
    """
    counts = np.zeros((classes, classes))
    told = predicted >= 0
    np.add.at(counts, (np.broadcast_to(label, predicted.shape)[told], predicted[told]), 1)
    total = len(predicted) * np.bincount(label, minlength=classes)[:, None]
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def draw_confusion(out: Path, measured: Sequence[Measured]) -> list[str]:
    """Write the matrix of every line and agent, over its runs and folds; returns the files' names.

    The paper's share stands beside ours where the cache has the paper's classes.
    """
    from agents.pictures.style import INK, picture, plain  # Matplotlib takes long to import

    found, rows = [], []
    for one in measured:
        results = [own.evaluation for own in one.results]
        if not all((one.row, "all") in own.results for own in results):
            continue
        classes = results[0].settings.cache.classes
        matrix = confusion(
            np.concatenate([own.label for own in results]),
            np.concatenate([own.results[one.row, "all"].predicted for own in results], axis=1),
            len(classes),
        )
        names, paper = PAPER.get(one.line.source, ((), ()))
        theirs = {
            (true, told): share
            for true, line in zip(names, paper, strict=True)
            for told, share in zip(names, line, strict=True)
        }
        found.append((one.line.label, [plain(name) for name in classes], matrix))
        rows += [
            {
                **{"line": one.line.label, "agent": one.agent, "label": true, "predicted": told},
                "share": "" if np.isnan(matrix[row, column]) else f"{matrix[row, column]:.6f}",
                "paper": theirs.get((true.lower(), told.lower()), ""),
            }
            for row, true in enumerate(classes)
            for column, told in enumerate(classes)
        ]
    write_csv(out / "confusion.csv", COLUMNS, rows)
    if not found:
        return ["confusion.csv"]
    width = max(2.6 + SIDE * len(matrix) for *_, matrix in found)
    heights = [1.8 + SIDE * len(matrix) for *_, matrix in found]
    with picture(out / "figure.png", width, sum(heights)) as canvas:
        every = canvas.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (title, labels, matrix) in zip(every, found, strict=True):
            axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
            for row, column in np.ndindex(matrix.shape):
                share = matrix[row, column]
                colour = "white" if share > 0.6 else INK
                text = "–" if np.isnan(share) else f"{share:.2f}".lstrip("0") or "0"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
            axes.set_xticks(range(len(labels)), labels, rotation=60)
            axes.set_yticks(range(len(labels)), labels)
            axes.set_xlabel("predicted")
            axes.set_ylabel("true")
            axes.set_title(plain(title), fontsize=10)
    return ["confusion.csv", "figure.png"]
