"""The eleven numbers of `agents.networks.frame_summary` as nodes of an ONNX graph."""

import numpy as np
from onnx import TensorProto

from agents.picking.onnx_graph import Graph
from frame_select_env.consensus import SMALLEST

TO_THE_END = np.iinfo(np.int64).max


def summary_nodes(graph: Graph, features: str, predictions: str, valid: str, size: int) -> str:
    """The summary [B, T, 11] of standardised features [B, T, D], predictions and `valid`.

    `size` is D. See `agents.networks.frame_summary.summary`, whose numbers and order these are.
    """
    node = graph.node
    zero, one = graph.constant(np.float32(0)), graph.constant(np.float32(1))

    def masked(values: str, where: str = valid) -> str:
        return node("Where", where, values, zero)

    def total(values: str, axis: int, keep: int = 0) -> str:
        return node("ReduceSum", values, [axis], keepdims=keep)

    def product(first: str, second: str) -> str:
        return total(node("Mul", first, second), 2)

    def logarithm(values: str) -> str:
        return node("Log", node("Max", values, np.float32(SMALLEST)))

    def frames(values: str, begin: int, end: int) -> str:
        return node("Slice", values, [begin], [end], [1])

    def padded(values: str, before: int, after: int) -> str:
        return node("Pad", values, [0, before, 0, after])

    def length_of(values: str) -> str:
        """A row per frame as its number of `values`, [B, T]: the root of the sum of squares."""
        return node("Div", node("ReduceL2", values, axes=[2], keepdims=0), np.float32(size**0.5))

    def mean(values: str, count: str) -> str:
        return node("Div", values, node("Max", count, one))

    def beside(step: str, both: str) -> str:
        counted = node("Cast", both, to=TensorProto.FLOAT)
        sums = (
            node("Add", padded(values, 1, 0), padded(values, 0, 1))
            for values in (masked(step, both), counted)
        )
        return mean(*sums)

    def around(values: str) -> str:
        def with_neighbours(given: str) -> str:
            wide = padded(given, 1, 1)
            return node("Sum", given, frames(wide, 0, -2), frames(wide, 2, TO_THE_END))

        return mean(with_neighbours(masked(values)), with_neighbours(weight))

    weight = node("Cast", valid, to=TensorProto.FLOAT)
    length = total(weight, 1, keep=1)  # [B, 1]
    every = node("Unsqueeze", valid, [2])
    told = masked(predictions, every)
    p0 = node("Div", total(told, 1, keep=1), node("Unsqueeze", node("Max", length, one), [2]))
    log_p, log_p0 = logarithm(told), logarithm(p0)
    best = node("ReduceMax", told, axes=[2], keepdims=0)
    wider = node("Pad", told, [0, 0, 0, 0, 0, 1])  # the second of one class is 0
    second = node("Gather", node("TopK", wider, [2], axis=2, outputs=2), 1, axis=2)
    agreement = product(told, p0)
    norm = length_of(features)
    later, earlier = frames(features, 1, TO_THE_END), frames(features, 0, -1)
    both = node("And", frames(valid, 1, TO_THE_END), frames(valid, 0, -1))
    place = node("CumSum", weight, 1, exclusive=1)  # valid frames come first
    numbers = [
        best,
        node("Sub", best, second),
        node("Neg", product(told, log_p)),
        agreement,
        product(told, node("Sub", log_p, log_p0)),
        norm,
        beside(length_of(node("Sub", later, earlier)), both),
        mean(place, node("Sub", length, one)),
        *(around(values) for values in (best, agreement, norm)),
    ]
    columns = [node("Unsqueeze", masked(values), [2]) for values in numbers]
    return node("Concat", *columns, axis=2)
