"""frame-select export: the ONNX model scores videos as the agent does.

Installed for the tests: an absent onnx must fail these tests, and no others.
"""

import json
from importlib import import_module

import numpy as np
import pytest
import torch

from agents.__main__ import main
from agents.picking.selector import Selector
from frame_select_env import FeatureCache, write_cache


def unlike_the_first(network):
    """Random statistics of the features, and a bias, so that a lost one shows."""
    torch.manual_seed(1)
    torch.nn.init.normal_(network.mean)
    torch.nn.init.uniform_(network.scale, 0.5, 2)
    torch.nn.init.normal_(network.head.bias)


def exported(folder, out):
    main(["export", str(folder), "--out", str(out)])
    runtime = import_module("onnxruntime")
    return runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    "text",
    [
        "reinforce@hidden_size=7",
        "reinforce@state=feature+prediction,num_layers=3,hidden_size=5",
        "soft-attention@hidden_size=6,num_layers=2",
        "reinforce@hidden_size=7,state=summary",
        "q-factored",
    ],
)
def test_scores_are_those_of_torch_for_any_batch(planted, write_run, tmp_path, text):
    cache, folder = FeatureCache(planted), tmp_path / "run"
    write_run(folder, cache, text, unlike_the_first, num_frames=14)
    session = exported(folder, tmp_path / "scorer.onnx")
    for rows, frames in ((np.arange(20), 14), (np.array([3]), 9)):
        clips = cache.read(rows, frames)
        given = {"features": clips.features.astype(np.float32), "valid": clips.valid}
        if "prediction" in text or "summary" in text:
            given["predictions"] = clips.predictions
        (scores,) = session.run(["scores"], given)
        there = Selector.load(folder).agent.scores(clips)
        assert np.isneginf(scores[~clips.valid]).all()
        np.testing.assert_allclose(scores, there, rtol=1e-5, atol=1e-5)


def test_wide_features_and_what_they_are(write_run, tmp_path):
    rng = np.random.default_rng(0)
    videos = (
        {
            "id": str(row),
            "label": row % 2,
            "split": "train",
            "features": {"a": rng.normal(size=(6, 600)), "b": rng.normal(size=(6, 2))},
            "predictions": {name: np.full((6, 2), 0.5) for name in "ab"},
        }
        for row in range(6)
    )
    path = write_cache(tmp_path / "wide.h5", videos, classes=["x", "y"])
    write_run(tmp_path / "run", FeatureCache(path), "reinforce", stream="b+a")
    session = exported(tmp_path / "run", tmp_path / "scorer.onnx")
    facts = json.loads(session.get_modelmeta().custom_metadata_map["frame_select"])
    assert facts == {
        "agent": "reinforce",
        "streams": ["b", "a"],
        "classes": ["x", "y"],
        "num_frames": 25,
    }
    assert session.get_inputs()[0].shape == ["B", "T", 602]


@pytest.mark.parametrize("text", ["dqn-pick", "dfan"])
def test_other_networks_are_refused(planted, write_run, tmp_path, capsys, text):
    folder = tmp_path / "run"
    write_run(folder, FeatureCache(planted), text)
    with pytest.raises(SystemExit) as exit_:
        main(["export", str(folder), "--out", str(tmp_path / "scorer.onnx")])
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot be exported" in line and text in line
    assert not (tmp_path / "scorer.onnx").exists()


def test_a_model_that_differs_from_torch_is_not_written(
    planted, write_run, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(import_module("agents.picking.onnx_scorer"), "GATES", (0, 1, 2, 3))
    folder = tmp_path / "run"
    write_run(folder, FeatureCache(planted), "reinforce")
    with pytest.raises(SystemExit):
        main(["export", str(folder), "--out", str(tmp_path / "scorer.onnx")])
    assert "scores differ from torch's by up to" in capsys.readouterr().err
    assert not (tmp_path / "scorer.onnx").exists()


def test_the_file_is_a_valid_model_of_an_old_format(planted, write_run, tmp_path):
    folder = tmp_path / "run"
    write_run(folder, FeatureCache(planted), "plackett-luce")
    exported(folder, tmp_path / "scorer.onnx")
    onnx = import_module("onnx")
    model = onnx.load(tmp_path / "scorer.onnx")
    onnx.checker.check_model(model)
    assert model.opset_import[0].version == 17 and model.ir_version == 8
