"""The scorer of a one-shot agent as an ONNX model: a BiLSTM from features to a score per frame."""

import json
from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from torch import nn

from agents.networks.frame_scorer import FrameScorer
from agents.picking.onnx_graph import Graph
from agents.picking.onnx_summary import summary_nodes
from agents.picking.selector import Selector
from frame_select_env import Clips, FrameSelectError

TOLERANCE = 1e-5  # of scores, to torch's
GATES = (0, 3, 1, 2)  # torch's input, forget, cell and output gates in the order of ONNX


def onnx_scorer(selector: Selector) -> onnx.ModelProto:
    """The network of a run on OneShot as an ONNX model, checked against torch.

    Its inputs are `features` [B, T, D] float32 (streams side by side, views and objects flattened),
    `predictions` [B, T, C] float32 if the network sees them or their summary, and `valid` [B, T]
    bool, True for the first frames of each video; B and T are free. Its output is `scores` [B, T]
    float32, -inf where `valid` is False. The property `frame_select` says in JSON what the features
    are.

    Raises:
        FrameSelectError: for another agent, or if the scores differ from torch's.
    """
    network = getattr(selector.agent, "network", None)
    if not isinstance(network, FrameScorer):
        raise FrameSelectError(
            f"{selector.folder}: {selector.agent.name} cannot be exported; what can are reinforce, "
            "plackett-luce, ppo, q-factored and soft-attention"
        )
    outputs = len(selector.classes)
    facts = {
        "agent": selector.agent.name,
        "streams": selector.streams,
        "classes": selector.classes,
        "num_frames": selector.task.num_frames,
    }
    model = _model(network, outputs, {"frame_select": json.dumps(facts)})
    _check(model, selector, len(network.mean), outputs)
    return model


def _model(network: FrameScorer, outputs: int, properties: Mapping[str, str]) -> onnx.ModelProto:
    graph, size = Graph(), len(network.mean)
    node = graph.node

    def given(name: str, kind: int, *more: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, ["B", "T", *more])

    inputs = [given("features", TensorProto.FLOAT, size), given("valid", TensorProto.BOOL)]
    seen = node("Mul", node("Sub", "features", network.mean), network.scale)
    if network.state != "feature":
        inputs.insert(1, given("predictions", TensorProto.FLOAT, outputs))
    if network.state == "feature+prediction":
        seen = node("Concat", seen, "predictions", axis=2)
    if network.state == "summary":
        seen = summary_nodes(graph, seen, "predictions", "valid", size)
    lengths = node("ReduceSum", node("Cast", "valid", to=TensorProto.INT32), [1], keepdims=0)
    states = node("Transpose", seen, perm=[1, 0, 2])  # [T, B, D]
    flat = graph.constant([0, 0, -1])
    for layer in range(network.lstm.num_layers):
        made = node(
            "LSTM",  # [T, 2, B, H]
            *(states, *_weights(network.lstm, layer), lengths),
            direction="bidirectional",
            hidden_size=network.lstm.hidden_size,
        )
        states = node("Reshape", node("Transpose", made, perm=[0, 2, 1, 3]), flat)  # [T, B, 2H]
    logits = node("Add", node("MatMul", states, network.head.weight.T), network.head.bias)
    scores = node("Transpose", node("Squeeze", logits, [2]), perm=[1, 0])
    node("Where", "valid", scores, np.float32(-np.inf), name="scores")
    return graph.model("scorer", inputs, given("scores", TensorProto.FLOAT), properties)


def _weights(lstm: nn.LSTM, layer: int) -> list[np.ndarray]:
    """W [2, 4H, I], R [2, 4H, H] and B [2, 8H] of a layer, as ONNX orders gates and directions."""

    def ordered(weights: torch.Tensor) -> np.ndarray:
        gates = np.split(weights.detach().numpy(), 4)
        return np.concatenate([gates[gate] for gate in GATES])

    ways = [list(map(ordered, way)) for way in lstm.all_weights[2 * layer : 2 * layer + 2]]
    return [
        np.stack([way[0] for way in ways]),
        np.stack([way[1] for way in ways]),
        np.stack([np.concatenate(way[2:]) for way in ways]),
    ]


def _check(model: onnx.ModelProto, selector: Selector, size: int, outputs: int) -> None:
    """Compare the model's scores with the agent's, on random videos of several lengths."""
    rng = np.random.default_rng(0)
    frames = selector.task.num_frames
    valid = np.arange(frames) < np.array([1, (frames + 1) // 2, frames])[:, None]
    features = rng.normal(size=(*valid.shape, size)).astype(np.float32)
    predictions = rng.dirichlet(np.ones(outputs), valid.shape).astype(np.float32)
    clips = Clips(features, predictions, valid, np.zeros(valid.shape, np.float32), np.arange(3))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = {one.name: getattr(clips, one.name) for one in session.get_inputs()}
    found = np.asarray(session.run(None, given)[0])
    expected = selector.agent.scores(clips)
    if not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        worst = np.abs(np.where(valid, found, 0) - np.where(valid, expected, 0)).max()
        raise FrameSelectError(
            f"{selector.folder}: the ONNX model's scores differ from torch's by up to {worst:.2g}"
        )
