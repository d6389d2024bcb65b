"""Equality of what environments return, to the bit."""

import numpy as np


def assert_equal(left: object, right: object, where: str = "") -> None:
    """Same types, keys, dtypes, shapes and bits."""
    if isinstance(left, dict):
        assert isinstance(right, dict) and set(left) == set(right), (where, set(left) ^ set(right))
        for key in left:
            assert_equal(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, tuple):
        assert isinstance(right, tuple) and len(left) == len(right)
        for place, pair in enumerate(zip(left, right, strict=True)):
            assert_equal(*pair, f"{where}/{place}")
    elif isinstance(left, np.ndarray):
        assert isinstance(right, np.ndarray), where
        assert left.dtype == right.dtype and left.shape == right.shape, where
        if left.dtype == object:
            for pair in zip(left, right, strict=True):
                assert_equal(*pair, where)
        else:
            assert np.array_equal(left, right), (where, left, right)
    else:
        assert type(left) is type(right) and left == right, (where, left, right)
