"""compare with streams, views, schemes and alphas: one table, and nothing trained twice."""

import csv

import pytest

from agents.__main__ import main

TINY = "reinforce@hidden_size=4,epochs=1"
SMALL = ["--num-frames", "6", "--target-frames", "2", "--frames", "2", "--resamples", "20"]


@pytest.fixture(scope="module")
def out(viewed, tmp_path_factory):
    """A comparison of two streams with random views, scored by both schemes and fused."""
    out = tmp_path_factory.mktemp("compare") / "out"
    command = ["compare", "--data", str(viewed), "--agents", TINY, "--out", str(out), *SMALL]
    command += ["--streams", "rgb", "flow", "--fuse", "--views", "random", "--seeds", "2"]
    main([*command, "--view-schemes", "region", "frame", "--jobs", "1"])
    return out


def rows(out, name="results.csv"):
    with (out / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_stream_scheme_and_their_fusion_has_its_rows(out):
    found = rows(out)
    streams = {(row["stream"], row["view"], row["view_scheme"]) for row in found}
    assert streams == {
        (stream, "random", scheme)
        for stream in ("rgb", "flow", "rgb and flow")
        for scheme in ("region", "frame")
    }
    for where in streams:
        own = [row for row in found if (row["stream"], row["view"], row["view_scheme"]) == where]
        seeds = {row["seed"] for row in own if row["agent"] == TINY and row["frames"] == "chosen"}
        assert seeds == {"0", "1"}
        assert {"all", "uniform", "oracle", "pooled"} <= {row["agent"] for row in own}
    accuracy = {
        row["view_scheme"]: row["accuracy"]
        for row in found
        if (row["stream"], row["agent"]) == ("rgb and flow", "all")
    }
    assert accuracy["region"] == accuracy["frame"]  # keeping all frames, there is no choice


def test_a_fused_run_costs_what_both_cost_and_nothing_is_trained_twice(out):
    assert len(list((out / "runs").glob("*/seed-*/model.safetensors"))) == 4
    episodes = {
        row["stream"]: int(row["episodes"])
        for row in rows(out)
        if row["agent"] == TINY and row["frames"] == "2" and row["seed"] == "0"
    }
    assert episodes["rgb and flow"] == episodes["rgb"] + episodes["flow"]


def test_the_report_names_the_data_sets(out):
    text = (out / "summary.md").read_text()
    for title in ("viewed, rgb, by region", "viewed, rgb and flow, by frame"):
        assert title in text
    assert {row["stream"] for row in rows(out, "pairs.csv")} <= {"", "rgb", "flow", "rgb and flow"}


def test_fusing_needs_two_streams(viewed, tmp_path, capsys):
    command = ["compare", "--data", str(viewed), "--agents", TINY, "--out", str(tmp_path), *SMALL]
    with pytest.raises(SystemExit):
        main([*command, "--streams", "rgb", "--fuse"])
    assert "--fuse: name at least two --streams" in capsys.readouterr().err
