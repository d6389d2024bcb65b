"""The summary of a frame as ONNX nodes: number for number what the networks see in torch.

Installed for the tests: an absent onnx must fail these tests, and no others.
"""

from importlib import import_module

import numpy as np
import pytest
import torch

from agents.networks.frame_summary import summary


@pytest.mark.parametrize(("frames", "classes"), [(9, 4), (2, 2), (1, 3), (5, 1)])
def test_the_eleven_numbers_are_those_of_torch(frames, classes):
    onnx, runtime = import_module("onnx"), import_module("onnxruntime")
    graph = import_module("agents.picking.onnx_graph").Graph()
    nodes = import_module("agents.picking.onnx_summary").summary_nodes
    found = nodes(graph, "features", "predictions", "valid", 6)
    given = onnx.helper.make_tensor_value_info
    inputs = [
        given("features", onnx.TensorProto.FLOAT, ["B", "T", 6]),
        given("predictions", onnx.TensorProto.FLOAT, ["B", "T", classes]),
        given("valid", onnx.TensorProto.BOOL, ["B", "T"]),
    ]
    output = given(found, onnx.TensorProto.FLOAT, ["B", "T", 11])
    content = graph.model("summary", inputs, output, {}).SerializeToString()
    rng = np.random.default_rng(0)
    valid = np.arange(frames) < np.array([1, (frames + 1) // 2, frames])[:, None]
    features = rng.normal(size=(*valid.shape, 6)).astype(np.float32)
    features[~valid] = np.nan  # what stands at padding changes nothing
    predictions = rng.dirichlet(np.full(classes, 0.05), valid.shape).astype(np.float32)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    values = {"features": features, "predictions": predictions, "valid": valid}
    (numbers,) = session.run(None, values)
    expected = summary(*map(torch.from_numpy, values.values())).numpy()
    np.testing.assert_allclose(numbers, expected, rtol=1e-5, atol=1e-5)
