"""Tiny ONNX files, encoded by hand: protobuf's wire format needs no library for a graph of three nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Side = int | str


def colour_classifier(
    weight: NDArray[np.float32], side: Sequence[Side] = (8, 8), end: str = "", batch: Side = "n"
) -> bytes:
    """Write a graph: the mean colour of pictures (n, 3, H, W), times `weight` (3, classes).

    Args:
        weight: Float32.
        side: H and W; a name stands for any length.
        end: What follows: "Sigmoid", "Softmax", or nothing.
        batch: How many pictures it takes; a name for any number.
    """
    axes = _attribute("axes", [2, 3]), _attribute("keepdims", [0])
    last = "logits" if end else "y"
    nodes = [_node("ReduceMean", ["x"], "means", *axes), _node("MatMul", ["means", "weight"], last)]
    nodes += [_node(end, [last], "y")] if end else []
    dims = b"".join(_number(1, length) for length in weight.shape)
    tensor = dims + _number(2, 1) + _text(8, "weight") + _bytes(9, weight.astype("<f4").tobytes())
    graph = b"".join(_bytes(1, node) for node in nodes) + _text(2, "colours") + _bytes(5, tensor)
    graph += _bytes(11, _value("x", (batch, 3, *side))) + _bytes(12, _value("y", (batch, weight.shape[1])))
    # Version 8 of the format, and 13 of the operators: the last whose means have their axes as attributes.
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))


def _node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    named = b"".join(_text(1, name) for name in inputs) + _text(2, output)
    return named + _text(4, kind) + b"".join(_bytes(5, one) for one in attributes)


def _attribute(name: str, numbers: Sequence[int]) -> bytes:
    # A list of whole numbers is type 7, one alone type 2.
    if len(numbers) == 1:
        return _text(1, name) + _number(3, numbers[0]) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, number) for number in numbers) + _number(20, 7)


def _value(name: str, shape: Sequence[Side]) -> bytes:
    dims = (_number(1, side) if isinstance(side, int) else _text(2, side) for side in shape)
    tensor = _number(1, 1) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _varint(value: int) -> bytes:
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])
