"""The scorer of a one-shot agent as an ONNX model: a BiLSTM from features to a score per frame."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from agents.networks.frame_scorer import FrameScorer
from agents.picking.selector import Selector
from frame_select_env import Clips, FrameSelectError

OPSET, IR_VERSION = 17, 8  # of 2022: runtimes read all versions up to their own
TOLERANCE = 1e-5  # of scores, to torch's
GATES = (0, 3, 1, 2)  # torch's input, forget, cell and output gates in the order of ONNX


def onnx_scorer(selector: Selector) -> onnx.ModelProto:
    """The network of a run on OneShot as an ONNX model, checked against torch.

    Its inputs are `features` [B, T, D] float32 (streams side by side, views and objects flattened),
    `predictions` [B, T, C] float32 if the network sees them, and `valid` [B, T] bool, True for the
    first frames of each video; B and T are free. Its output is `scores` [B, T] float32, -inf where
    `valid` is False. The property `frame_select` says in JSON what the features are.

    Raises:
        FrameSelectError: for another agent or state, or if the scores differ from torch's.
    """
    network = getattr(selector.agent, "network", None)
    if not isinstance(network, FrameScorer) or network.state == "summary":
        state = f" with state={network.state}" if isinstance(network, FrameScorer) else ""
        raise FrameSelectError(
            f"{selector.folder}: {selector.agent.name}{state} cannot be exported; what can are "
            "reinforce, plackett-luce, ppo, q-factored and soft-attention with state=feature or "
            "state=feature+prediction"
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
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, values: Any) -> str:
        array = values.detach().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def given(name: str, kind: int, *more: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, ["B", "T", *more])

    inputs = [given("features", TensorProto.FLOAT, len(network.mean))]
    centred = node("Sub", ["features", constant("mean", network.mean)], "centred")
    seen = node("Mul", [centred, constant("scale", network.scale)], "seen")
    if network.state == "feature+prediction":
        inputs.append(given("predictions", TensorProto.FLOAT, outputs))
        seen = node("Concat", [seen, "predictions"], "both", axis=2)
    inputs.append(given("valid", TensorProto.BOOL))
    counted = node("Cast", ["valid"], "counted", to=TensorProto.INT32)
    lengths = node("ReduceSum", [counted, constant("time", [1])], "lengths", keepdims=0)
    states = node("Transpose", [seen], "states", perm=[1, 0, 2])  # [T, B, D]
    flat = constant("flat", [0, 0, -1])
    for layer in range(network.lstm.num_layers):
        weights = [
            constant(f"{name}{layer}", values)
            for name, values in zip("WRB", _weights(network.lstm, layer), strict=True)
        ]
        made = node(
            "LSTM",
            [states, *weights, lengths],
            f"directions{layer}",  # [T, 2, B, H]
            direction="bidirectional",
            hidden_size=network.lstm.hidden_size,
        )
        beside = node("Transpose", [made], f"beside{layer}", perm=[0, 2, 1, 3])
        states = node("Reshape", [beside, flat], f"states{layer}")  # [T, B, 2H]
    product = node("MatMul", [states, constant("weight", network.head.weight.T)], "product")
    biased = node("Add", [product, constant("bias", network.head.bias)], "biased")
    last = node("Squeeze", [biased, constant("last", [2])], "last_squeezed")
    logits = node("Transpose", [last], "logits", perm=[1, 0])
    none = constant("none", np.float32(-np.inf))
    node("Where", ["valid", logits, none], "scores")
    scores = given("scores", TensorProto.FLOAT)
    graph = helper.make_graph(nodes, "scorer", inputs, [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model, full_check=True)
    return model


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
