"""Graph: an ONNX graph that is put together node by node."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # of 2022: runtimes read all versions up to their own


class Graph:
    """Nodes and constants in the order in which they are made; values go by their names."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Any) -> str:
        """A constant: a tensor, or what NumPy takes for an array; returns its name."""
        array = values.detach().numpy() if isinstance(values, torch.Tensor) else values
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def node(
        self, kind: str, *inputs: Any, name: str = "", outputs: int = 1, **attributes: Any
    ) -> str:
        """A node of that operator; inputs that are no names become constants.

        Returns the name of its first output.
        """
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        output = name or f"{kind}{len(self._nodes)}"
        others = [f"{output}_{number}" for number in range(1, outputs)]
        self._nodes.append(helper.make_node(kind, names, [output, *others], **attributes))
        return output

    def model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        output: onnx.ValueInfoProto,
        properties: Mapping[str, str],
    ) -> onnx.ModelProto:
        """The checked model of this graph, with properties that runtimes can read."""
        graph = helper.make_graph(self._nodes, name, inputs, [output], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(properties))
        onnx.checker.check_model(model, full_check=True)
        return model
