"""python -m agents reproduce, through the real entry point."""

import csv
import os
from pathlib import Path

import pytest
from shape_videos import write_shape_videos

from agents.__main__ import main
from data.__main__ import main as data
from frame_select_env import open_cache

AGENT = "reinforce@hidden_size=8,epochs=20,learning_rate=0.02"
FILES = ("table.csv", "table.md", "figure.png", "results.csv")
SHARED = str(Path(__file__).parents[2] / "shared")


def rows(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def cells(out):
    """The rows of table.md by their label."""
    lines = (out / "table.md").read_text().splitlines()
    split = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in split}


def weights(out):
    """When each run's weights were written."""
    found = {file: file.stat().st_mtime_ns for file in out.rglob("model.safetensors")}
    assert found
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Planted videos of two streams with two views; all frames get most of them wrong."""
    path = tmp_path_factory.mktemp("cache") / "plant.h5"
    recipe = ["--videos", "150", "--frames", "10", "--classes", "3", "--features", "4"]
    recipe += ["--signal", "5", "--difficulty", "0.6", "--streams", "2", "--views", "2"]
    data(["planted", str(path), *recipe])
    return path


@pytest.fixture(scope="module")
def command(cache, tmp_path_factory):
    """The arguments of a reproduction of Table 1 with the third row's cache alone."""
    out = tmp_path_factory.mktemp("reproduce") / "deep" / "out"
    given = ["--data", f"tsn-kinetics={cache}", "--agents", AGENT, "--seeds", "1"]
    given += ["--num-frames", "10", "--frames", "2", "4", "--resamples", "50", "--jobs", "1"]
    return ["reproduce", "as-table1", *given, "--out", str(out)]


@pytest.fixture(scope="module")
def out(command):
    main(command)
    return Path(command[-1])


def test_an_agent_on_two_streams_of_random_views_beats_all_frames(out):
    table = rows(out / "table.csv")
    accuracy = {(row["line"], row["frames"]): float(row["accuracy"] or "nan") for row in table}
    everything = accuracy["TSN + Kinetics", "all"]
    assert 0.2 < everything < 0.6
    assert accuracy["TSN + Kinetics + AS", "chosen"] > everything + 0.2
    for row in table:
        if row["accuracy"]:
            low, value, high = (float(row[f"accuracy{end}"]) for end in ("_low", "", "_high"))
            assert 0 <= low <= value <= high <= 1
            gained = float(row["rescued"]) - float(row["broken"])
            assert gained == pytest.approx(float(row["gain"]), abs=2e-6)
            assert row["folds"] == "1"


def test_each_stream_is_trained_once_on_random_views_and_scored_alone_and_fused(out):
    runs = rows(out / "results.csv")
    assert {row["view"] for row in runs} == {"random"}
    assert {row["stream"] for row in runs} == {"s1", "s2", "s1 and s2"}
    fused = [row for row in runs if row["stream"] == "s1 and s2"]
    assert {AGENT, "all", "random", "oracle"} <= {row["agent"] for row in fused}
    table = {(row["line"], row["frames"]): row["accuracy"] for row in rows(out / "table.csv")}
    (chosen,) = (row for row in fused if (row["agent"], row["frames"]) == (AGENT, "chosen"))
    assert chosen["accuracy"] == table["TSN + Kinetics + AS", "chosen"]
    assert len(weights(out)) == 2


def test_rows_without_a_cache_are_empty(out):
    for label in ("Two-Stream", "Two-Stream + AS", "TSN + AS"):
        paper, *ours = cells(out)[label]
        assert float(paper) > 60 and set(ours) == {"–"}
    assert {row["line"] for row in rows(out / "table.csv") if not row["accuracy"]} == {
        *("Two-Stream", "Two-Stream + AS", "TSN (68.5 as reported by its authors)", "TSN + AS")
    }
    assert (out / "figure.png").stat().st_size > 10_000


def test_at_m_is_at_all_frames_where_there_are_fewer(out):
    assert {row["frames"] for row in rows(out / "table.csv")} == {"all", "10", "chosen", "free", ""}
    everything = cells(out)["TSN + Kinetics"][1]
    assert everything != "–"
    assert cells(out)["TSN + Kinetics + AS"][1] == everything
    assert cells(out)["TSN + Kinetics, random frames"][1] == everything


def test_a_row_that_cannot_be_compared_says_why(out):
    named = cells(out)
    assert named["TSN + Kinetics + AS"][-1] == "no"
    (note,) = (line for line in (out / "table.md").read_text().splitlines() if "plant, not" in line)
    why = {"classes 3, not 51", "frames 10, not 25", "splits 1, not 3", "views 2, not 10"}
    assert all(reason in note for reason in why)
    assert note.endswith("its figures cannot be compared with the paper's")
    (row,) = (one for one in rows(out / "table.csv") if one["line"] == "TSN + Kinetics")
    assert set(row["differs"].split("; ")) == why


def test_the_same_command_trains_nothing_again_and_writes_the_same(out, command, capsys):
    before = weights(out), {name: (out / name).read_bytes() for name in FILES}
    capsys.readouterr()
    main([*command, "--latex"])
    assert (weights(out), {name: (out / name).read_bytes() for name in FILES}) == before
    assert r"\toprule" in (out / "tables" / "as-table1.tex").read_text()
    printed = capsys.readouterr().out
    assert "Two-stream accuracy with three backbones" in printed
    assert f"table.csv, table.md, figure.png and tables/as-table1.tex are in {out}" in printed


def refused(capsys, *arguments):
    """The one line of a command that ends with 2."""
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", *map(str, arguments)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line.removeprefix("python -m agents reproduce: ")


def test_bad_arguments_are_one_line_and_exit_code_2(cache, regression, tmp_path, capsys):
    to = ("--out", tmp_path / "out")
    line = refused(capsys, "as-table9", "--data", cache, *to)
    assert line.startswith("unknown table 'as-table9'; did you mean 'as-table")
    line = refused(capsys, "as-table1", "--data", tmp_path, *to)
    assert line == f"--data {tmp_path}: is a folder; name a cache, made with extract"
    line = refused(capsys, "as-table1", "--data", f"tns={cache}", *to)
    assert line.endswith(
        "unknown row 'tns'; did you mean 'tsn'? known: tsn, tsn-kinetics, two-stream"
    )
    line = refused(capsys, "proposal", "--data", cache, "--agents", AGENT, *to)
    assert line == "--agents: every row of proposal names its own; leave it out"
    line = refused(capsys, "proposal", "--data", regression, *to)
    assert line == f"--data {regression}: is a regression; proposal is about a classification"
    line = refused(capsys, "as-table1", "--data", cache, "--frames", "26", *to, "--frames", "0")
    assert line.startswith("frames=0: must be from 1 to")
    assert not (tmp_path / "out").exists()


def test_help_lists_the_tables_and_their_rows(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", "--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "as-table1 Two-stream accuracy with three backbones (two-stream, tsn, tsn-kin" in text
    assert "proposal Key frames of emotion" in text


def test_the_proposal_makes_its_cache_from_a_folder_of_videos_once(tmp_path, monkeypatch, capsys):
    # Processes that are begun here find the backbone's module too.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SHARED, os.environ.get("PYTHONPATH", "")]))
    videos = write_shape_videos(tmp_path / "videos", videos=12, stretches=2)
    out = tmp_path / "runs" / "out"
    command = ["reproduce", "proposal", "--data", str(videos), "--out", str(out), "--jobs", "1"]
    command += ["--backbone", "own_backbones:grey@size=16", "--num-frames", "6", "--seeds", "1"]
    command += ["--budget", "24", "--resamples", "20"]
    main(command)
    made = open_cache(out.with_name("out.h5"))
    assert len(made) == 12 and set(made.lengths) == {6}
    table = cells(out)
    for label in ("all frames", "random frames", "reinforce-sequential", "dqn", "dqn-chunk"):
        assert table[label][0] != "–"
    assert "dqn minus reinforce-sequential, free: " in (out / "table.md").read_text()
    assert len(weights(out)) == 3
    before = made.path.stat().st_mtime_ns, weights(out), (out / "table.md").read_text()
    capsys.readouterr()
    main(command)
    said = capsys.readouterr().out
    assert "out.h5 was made before; delete it to extract the videos again" in said
    assert (made.path.stat().st_mtime_ns, weights(out), (out / "table.md").read_text()) == before
