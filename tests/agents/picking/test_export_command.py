"""frame-select export: the ONNX model scores videos as the agent does."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from agents.__main__ import main
from agents.networks.frame_scorer import FrameScorer
from agents.picking import onnx_scorer as module
from agents.picking.selector import Selector
from agents.registry import AgentChoice, parse_agent
from agents.training.inputs import write_inputs
from agents.training.run_folder import RunWriter
from agents.training.trainer import Run, run_config
from frame_select_env import FeatureCache, write_cache


def write_run(folder, path, text):
    """The folder of a run with random weights and statistics."""
    choice: AgentChoice = parse_agent(text)
    cache, run = FeatureCache(path), Run(str(path), choice, {"num_frames": 14})
    task = run.task(cache)
    network = choice.design.initial_network(cache, task, choice.config)
    if isinstance(network, FrameScorer):
        torch.manual_seed(1)
        torch.nn.init.normal_(network.mean)
        torch.nn.init.uniform_(network.scale, 0.5, 2)
        torch.nn.init.normal_(network.head.bias)
    folder.mkdir()
    writer = RunWriter(folder, run_config(run, cache, task))
    write_inputs(folder, cache, task)
    writer.finish(network)
    return folder


def exported(folder, out):
    main(["export", str(folder), "--out", str(out)])
    return onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    "text",
    [
        "reinforce@hidden_size=7",
        "reinforce@state=feature+prediction,num_layers=3,hidden_size=5",
        "soft-attention@hidden_size=6,num_layers=2",
        "q-factored",
    ],
)
def test_scores_are_those_of_torch_for_any_batch(planted, tmp_path, text):
    folder = write_run(tmp_path / "run", planted, text)
    session = exported(folder, tmp_path / "scorer.onnx")
    cache = FeatureCache(planted)
    for rows, frames in ((np.arange(20), 14), (np.array([3]), 9)):
        clips = cache.read(rows, frames)
        given = {"features": clips.features.astype(np.float32), "valid": clips.valid}
        if "prediction" in text:
            given["predictions"] = clips.predictions
        (scores,) = session.run(["scores"], given)
        there = Selector.load(folder).agent.scores(clips)
        assert np.isneginf(scores[~clips.valid]).all()
        np.testing.assert_allclose(scores, there, rtol=1e-5, atol=1e-5)


def test_wide_features_and_what_they_are(tmp_path):
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
    run = Run(str(path), parse_agent("reinforce"), {"stream": "b+a"})
    cache = FeatureCache(path)
    task = run.task(cache)
    (tmp_path / "run").mkdir()
    writer = RunWriter(tmp_path / "run", run_config(run, cache, task))
    write_inputs(tmp_path / "run", cache, task)
    writer.finish(run.choice.design.initial_network(cache, task, run.choice.config))
    session = exported(tmp_path / "run", tmp_path / "scorer.onnx")
    facts = json.loads(session.get_modelmeta().custom_metadata_map["frame_select"])
    assert facts == {
        "agent": "reinforce",
        "streams": ["b", "a"],
        "classes": ["x", "y"],
        "num_frames": 25,
    }
    assert session.get_inputs()[0].shape == ["B", "T", 602]


@pytest.mark.parametrize("text", ["reinforce@state=summary", "dqn-pick", "dfan"])
def test_other_networks_are_refused(planted, tmp_path, capsys, text):
    folder = write_run(tmp_path / "run", planted, text)
    with pytest.raises(SystemExit) as exit_:
        main(["export", str(folder), "--out", str(tmp_path / "scorer.onnx")])
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot be exported" in line and text.partition("@")[0] in line
    assert not (tmp_path / "scorer.onnx").exists()


def test_a_model_that_differs_from_torch_is_not_written(planted, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(module, "GATES", (0, 1, 2, 3))
    folder = write_run(tmp_path / "run", planted, "reinforce")
    with pytest.raises(SystemExit):
        main(["export", str(folder), "--out", str(tmp_path / "scorer.onnx")])
    assert "scores differ from torch's by up to" in capsys.readouterr().err
    assert not (tmp_path / "scorer.onnx").exists()


def test_the_file_is_a_valid_model_of_an_old_format(planted, tmp_path):
    folder = write_run(tmp_path / "run", planted, "plackett-luce")
    exported(folder, tmp_path / "scorer.onnx")
    model = onnx.load(tmp_path / "scorer.onnx")
    onnx.checker.check_model(model)
    assert model.opset_import[0].version == 17 and model.ir_version == 8
