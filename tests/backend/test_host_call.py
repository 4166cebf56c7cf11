"""Calls to the host in the middle of a compiled step."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan import backend


class Sorted(keras.Model):
    """Sorts rows on the host and adds them to its input; what comes in is noted."""

    def __init__(self, shape=(None, 3)):
        super().__init__()
        self.seen, self.result_shape, self.supports_jit, self.built = [], shape, False, True

    def call(self, x):
        shape = (x.shape[0], *self.result_shape[1:])
        return x + backend.host_call(self.sort, [x], shape, "float32")

    def sort(self, rows):
        self.seen.append(type(rows))
        return np.sort(rows, axis=1)


def test_a_compiled_step_calls_the_host():
    model = Sorted()
    x = np.array([[3, 1, 2], [0, 5, 4]], "float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), [[4, 3, 5], [0, 9, 9]])
    np.testing.assert_array_equal(model.predict(x + 1, verbose=0), [[6, 5, 7], [2, 11, 11]])
    assert len(model.seen) >= 2
    assert set(model.seen) == {np.ndarray}


def test_no_gradient_flows_through_the_host():
    def value(tensors):
        return ops.sum(tensors[0] * backend.host_call(np.square, [tensors[0]], (2,), "float32")), None

    (found, _), (gradient,) = backend.value_and_gradients(value, [ops.convert_to_tensor([2.0, 3.0])])
    assert float(found) == 35.0
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), [4.0, 9.0])


def test_results_are_cast_and_another_shape_is_refused():
    found = backend.host_call(lambda x: [1, 2], [np.zeros(3, "int32")], (2,), "float32")
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert tuple(found.shape) == (2,)
    with pytest.raises(Exception, match=r"must return the shape \(3,\). Received: \(2,\)"):
        ops.convert_to_numpy(backend.host_call(lambda x: [1, 2], [np.zeros(3, "int32")], (3,), "float32"))
