"""Gradients against central differences, in float64."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan

needs_float64 = pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX has float64 only where the whole process has")


@pytest.fixture
def float64():
    """Layers and inputs are float64 within a test."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")


def check_gradients(loss, variables, *inputs, step=1e-6, tolerance=1e-6):
    """Of `loss(*inputs)`, in every variable and input, along a random direction each. Relative to the largest derivative."""
    variables = list(variables)
    values = [ops.convert_to_numpy(v).astype("float64") for v in [*variables, *inputs]]

    def at(tensors):
        pairs = zip(variables, tensors[: len(variables)], strict=True)
        with kgan.backend.Overlay(pairs):
            return loss(*tensors[len(variables) :]), None

    tensors = [ops.convert_to_tensor(v) for v in values]
    _, gradients = kgan.backend.value_and_gradients(at, tensors)
    rng, found, expected = np.random.default_rng(1), [], []
    for index, value in enumerate(values):
        direction = rng.normal(size=value.shape)
        found.append(float((ops.convert_to_numpy(gradients[index]) * direction).sum()))
        both = []
        for sign in (1.0, -1.0):
            moved = list(values)
            moved[index] = value + sign * step * direction
            both.append(float(at([ops.convert_to_tensor(v) for v in moved])[0]))
        expected.append((both[0] - both[1]) / (2 * step))
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(np.array(found) / scale, np.array(expected) / scale, atol=tolerance)
    assert min(np.abs(expected)) > 1e-8  # none is dead
