"""Overlays and derivatives: values, histories, second derivatives, and where assignments go."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan import backend
from kgan.backend import Overlay


def test_overlays_nest_and_leave_nothing_behind():
    v = keras.Variable([1.0])
    with Overlay([(v, ops.convert_to_tensor([2.0]))]):
        assert float(ops.sum(v)) == 2.0
        with Overlay():
            v.assign([3.0])
            assert float(ops.sum(v)) == 3.0
        assert float(ops.sum(v)) == 2.0
    assert float(ops.convert_to_numpy(v)[0]) == 1.0


def test_commit_passes_assignments_on_but_not_those_to_given_variables():
    v, w = keras.Variable([1.0]), keras.Variable([1.0])
    with Overlay([(v, ops.convert_to_tensor([2.0]))], commit=True):
        v.assign([5.0])
        w.assign([6.0])
    assert (float(ops.convert_to_numpy(v)[0]), float(ops.convert_to_numpy(w)[0])) == (1.0, 6.0)


def test_an_error_inside_commits_nothing():
    v = keras.Variable([1.0])

    def fails():
        with Overlay(commit=True):
            v.assign([2.0])
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert float(ops.convert_to_numpy(v)[0]) == 1.0
    assert backend.training(default=None) is None


def test_state_advances_once_per_move_and_only_for_its_players():
    mine, other = keras.Variable(0.0), keras.Variable(0.0)
    assert backend.advances(mine)
    with Overlay(moving={id(mine)}):
        assert backend.advances(mine)
        assert not backend.advances(other)
        mine.assign(1.0)
        with Overlay():
            assert not backend.advances(mine)


def test_gradients_of_gradients():
    # d/dx (d/dx x^3)^2 = d/dx 9 x^4 = 36 x^3.
    def squared_slope(points):
        return ops.sum(backend.input_gradient(lambda x: x**3, points[0]) ** 2), None

    (value, _), (gradient,) = backend.value_and_gradients(squared_slope, [np.asarray([2.0], "float32")])
    assert (float(value), float(gradient[0])) == (144.0, 288.0)


def test_unconnected_tensors_get_zeros():
    (_, _), (a, b) = backend.value_and_gradients(lambda t: (ops.sum(t[0]), None), [np.ones(2, "float32"), np.ones(3, "float32")])
    np.testing.assert_array_equal(ops.convert_to_numpy(a), np.ones(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(b), np.zeros(3))


def test_assignments_in_a_differentiated_function_reach_the_enclosing_scope():
    layer = keras.layers.BatchNormalization(momentum=0.5)
    layer.build((None, 1))
    data = np.asarray([[1.0], [3.0]], "float32")
    backend.value_and_gradients(lambda t: (ops.sum(layer(t[0], training=True) ** 2), None), [data])
    assert float(ops.convert_to_numpy(layer.moving_mean)[0]) == pytest.approx(1.0)
    with Overlay() as overlay:
        backend.value_and_gradients(lambda t: (ops.sum(layer(t[0], training=True) ** 2), None), [data])
        assert float(ops.convert_to_numpy(overlay.get_current_value(layer.moving_mean))[0]) == pytest.approx(1.5)
    assert float(ops.convert_to_numpy(layer.moving_mean)[0]) == pytest.approx(1.0)


def test_conditional_takes_one_branch():
    for flag, expected in ((True, 1.0), (False, 2.0)):
        result = backend.conditional(
            ops.convert_to_tensor(flag), lambda: {"a": ops.convert_to_tensor(1.0)}, lambda: {"a": ops.convert_to_tensor(2.0)}
        )
        assert float(result["a"]) == expected
