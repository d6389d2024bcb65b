"""The tables and figures of the dual focus attention network: its figures, streams and pictures."""

import csv

import numpy as np
import pytest

from agents.__main__ import main
from agents.reproduction.attention_pictures import telling
from agents.reproduction.confusion import PAPER, confusion
from agents.reproduction.dual_focus import TABLES
from agents.reproduction.study import make_specs, streams_of
from frame_select_env import open_cache, write_cache

BY_NAME = {study.name: study for study in TABLES}
TINY = "dfan@hidden_size=4,epochs=2,batch_size=8"
CLASSES = ("Anger", "Joy")


def emotions():
    """Videos with the paper's streams; the action tells the emotion."""
    rng = np.random.default_rng(0)
    for row in range(24):
        label = row % 2
        action = rng.normal(size=(6, 3)) + 3 * label
        yield {
            "id": f"v{row}",
            "label": label,
            "split": ("train", "train", "val", "test")[row // 2 % 4],
            "features": {
                "scene": rng.normal(size=(6, 2)).astype(np.float32),
                "rgb": action.astype(np.float32),
                "boxes": rng.normal(size=(6, 5, 2)).astype(np.float32),
            },
            "predictions": dict.fromkeys(("scene", "rgb", "boxes"), np.full((6, 2), 0.5)),
            "importance": np.arange(6) == row % 6,
        }


@pytest.fixture(scope="module")
def emotional(tmp_path_factory):
    path = tmp_path_factory.mktemp("emotions") / "emotions.h5"
    return str(write_cache(path, emotions(), classes=CLASSES, axes={"boxes": "object"}))


def rows(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def reproduce(table, out, *data):
    command = ["reproduce", table, "--data", *map(str, data), "--out", str(out), "--agents", TINY]
    command += ["--seeds", "1", "--num-frames", "6", "--frames", "2", "--resamples", "20"]
    main([*command, "--jobs", "1"])


@pytest.fixture(scope="module")
def out(emotional, tmp_path_factory):
    """The folder of Figures 3 and 4, which need the same run."""
    out = tmp_path_factory.mktemp("reproduce") / "out"
    reproduce("dfan-fig3", out, f"ekman={emotional}")
    shares = rows(out / "confusion.csv"), (out / "figure.png").read_bytes()
    reproduce("dfan-fig4", out, f"ekman={emotional}")
    return out, *shares


def papers(name, source):
    return {
        line.label.partition(", ")[2]: line.paper
        for line in BY_NAME[name].lines
        if line.source == source
    }


def test_the_papers_figures():
    assert papers("dfan-table1", "videoemotion") == {
        **{"A": 51.51, "S": 39.08, "O": 18.74, "A + S": 52.78, "A + S + O": 53.34}
    }
    assert list(papers("dfan-table1", "ekman").values()) == [56.42, 45.47, 23.16, 56.88, 57.37]
    assert list(papers("dfan-table2", "videoemotion").values()) == [49.48, 50.02, 51.88, 53.34]
    assert list(papers("dfan-table2", "ekman").values()) == [53.12, 54.28, 55.93, 57.37]
    others = [41.90, 46.10, 43.80, 50.60, 49.70, 51.48]
    assert list(papers("dfan-table3", "videoemotion").values()) == [*others, 51.88, 53.34]
    others = [None, None, 50.90, 51.80, 54.40, 55.62]
    assert list(papers("dfan-table3", "ekman").values()) == [*others, 55.93, 57.37]
    assert papers("dfan-fig2", "ekman") == {f"{count} objects": None for count in (2, 4, 8, 16)}


def test_the_papers_confusion_matrices_add_up_as_printed():
    sums = {
        source: np.sum(matrix, axis=1).round(2).tolist() for source, (_, matrix) in PAPER.items()
    }
    assert sums == {
        "ekman": [1.03, 0.99, 1.0, 0.99, 1.01, 0.98],
        "videoemotion": [1.04, 1.08, 1.02, 1.01, 1.02, 1.03, 1.02, 0.98],
    }
    diagonal = np.diag(PAPER["ekman"][1]).tolist()
    assert diagonal == [0.51, 0.54, 0.59, 0.54, 0.53, 0.64]


def streams(name, path):
    """The streams of the runs of a table, by the changed hyper-parameter."""
    specs = make_specs(BY_NAME[name], {"ekman": path}, ["dfan"], 1, num_frames=6)
    return {(spec.stream, spec.agent) for spec in specs}


def test_roles_are_found_by_name_or_by_axis(emotional, planted):
    assert streams("dfan-table1", emotional) == {
        (stream, "dfan") for stream in ("rgb", "scene", "boxes", "rgb+scene", "rgb+scene+boxes")
    }
    cache = open_cache(emotional)
    every = "+".join(cache.streams)
    assert streams("dfan-fig2", emotional) == {
        (every, f"dfan@max_objects={count}") for count in (2, 4, 8, 16)
    }
    assert streams("dfan-table1", str(planted)) == {(None, "dfan")}
    table = [line for line in BY_NAME["dfan-table2"].lines if line.source == "ekman"]
    found = [streams_of(open_cache(planted), line) for line in table]
    assert found == [("main",), ("main",), ("main",), ()]


def test_rows_without_their_stream_and_of_other_methods_are_empty(planted, tmp_path):
    reproduce("dfan-table3", tmp_path / "out", f"ekman={planted}")
    table = {row["line"]: row for row in rows(tmp_path / "out" / "table.csv")}
    assert [label for label, row in table.items() if row["accuracy"]] == ["Ekman, T.Focus"]
    ours = table["Ekman, T.Focus"]
    assert (ours["frames"], ours["paper"]) == ("all", "0.5593")
    assert "streams 1, not 3" in ours["differs"] and "classes 4, not 6" in ours["differs"]
    (network,) = (
        row
        for row in rows(tmp_path / "out" / "results.csv")
        if row["agent"].startswith("dfan-network@")
    )
    assert network["accuracy"] == ours["accuracy"]
    assert table["Ekman, ITE"]["paper"] == "0.5090"


def test_a_table_for_which_the_cache_has_no_stream_is_refused(planted, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        reproduce("dfan-fig2", tmp_path / "out", planted)
    assert stopped.value.code == 2
    assert "no cache has a stream for any row of dfan-fig2, which need objects" in (
        capsys.readouterr().err
    )


def test_a_confusion_matrix_by_hand():
    label, predicted = np.array([0, 0, 1, 1]), np.array([[0, 1, 1, 1], [0, 0, -1, 0]])
    expected = [[0.75, 0.25, 0.0], [0.25, 0.5, 0.0], [np.nan] * 3]
    np.testing.assert_array_equal(confusion(label, predicted, 3), expected)


def test_figure_3_has_our_shares_beside_the_papers(out):
    folder, shares, picture = out
    assert len(shares) == 4 and picture.startswith(b"\x89PNG")
    share = {(row["label"], row["predicted"]): float(row["share"]) for row in shares}
    assert share["Anger", "Anger"] + share["Anger", "Joy"] == pytest.approx(1)
    (row,) = (row for row in rows(folder / "table.csv") if row["accuracy"])
    right = (share["Anger", "Anger"] + share["Joy", "Joy"]) / 2  # as many videos of each
    assert float(row["accuracy"]) == pytest.approx(right, abs=1e-5)
    assert {(row["label"], row["predicted"]): row["paper"] for row in shares} == {
        **{("Anger", "Anger"): "0.51", ("Anger", "Joy"): "0.03"},
        **{("Joy", "Anger"): "0.03", ("Joy", "Joy"): "0.54"},
    }


def test_figure_4_has_the_weights_of_frames_and_objects(out):
    folder, _, confused = out
    looks = rows(folder / "attention.csv")
    assert len({row["id"] for row in looks}) == 4
    for name in {row["id"] for row in looks}:
        own = [row for row in looks if row["id"] == name]
        assert [int(row["frame"]) for row in own] == list(range(6))
        assert sum(float(row["weight"]) for row in own) == pytest.approx(1, abs=1e-4)
        for row in own:
            weights = [float(weight) for weight in row["objects"].split()]
            assert len(weights) == 5 and sum(weights) == pytest.approx(1, abs=1e-3)
    assert (folder / "figure.png").read_bytes() != confused
    assert len(list(folder.rglob("model.safetensors"))) == 1


def test_the_videos_to_draw_are_right_ones_of_each_class_first():
    label, predicted = np.array([0, 0, 1, 1, 0, 2]), np.array([1, 0, 1, 1, 0, 1])
    assert telling(label, predicted).tolist() == [1, 2, 0, 3]
