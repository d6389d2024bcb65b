"""The tables of picked frames: their columns for classes and for targets."""

import csv
import json

import numpy as np

from agents.picking.files import output_columns, write_tables

PREDICTIONS = np.float32([[0.25, 0.75], [1, 0]])


def entry(task, classes):
    return {
        "version": 1,
        "video": "a, b.mp4",
        "files": ["000.png", "001.png"],
        "seconds": [0.5, 2.0],
        "scores": [1.5, -1.0],
        **output_columns(PREDICTIONS, classes, task),
        "video_metadata": {"frames_indices": [5, 20]},
    }


def written(folder, content):
    write_tables(folder, content, [content])
    assert json.loads((folder / "frames.json").read_text()) == content
    with (folder / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_classes_come_with_their_probabilities(tmp_path):
    first, second = written(tmp_path, entry("classification", ("ant", "bee")))
    assert first == {
        "video": "a, b.mp4",
        "file": "000.png",
        "frame": "5",
        "seconds": "0.5",
        "score": "1.5",
        "predicted": "bee",
        "probability": "0.75",
    }
    assert (second["predicted"], second["probability"]) == ("ant", "1.0")


def test_targets_have_a_column_each_whatever_their_names(tmp_path):
    first, _ = written(tmp_path, entry("regression", ("video", "arousal")))
    assert (first["video"], first["predicted video"]) == ("a, b.mp4", "0.25")
    assert first["predicted arousal"] == "0.75"


def test_a_single_class_goes_without_saying():
    assert output_columns(np.ones((2, 1), np.float32), ("video",), "classification") == {}


def test_no_video_at_all_leaves_the_heading(tmp_path):
    write_tables(tmp_path, {"version": 1, "videos": []}, [])
    assert (tmp_path / "frames.csv").read_text().strip() == "video,file,frame,seconds,score"
