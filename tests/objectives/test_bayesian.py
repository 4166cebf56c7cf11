"""The marginal energy by hand."""

import math

import numpy as np
import pytest
from keras import ops

from kgan.backend import value_and_gradients
from kgan.objectives import marginal_energy


def test_values():
    energies = ops.convert_to_tensor([1.0, 2.0])
    assert float(marginal_energy(energies)) == pytest.approx(-math.log(math.exp(-1) + math.exp(-2)), rel=1e-6)
    assert float(marginal_energy(energies, 3)) == pytest.approx(-math.log(math.exp(-3) + math.exp(-6)) / 3, rel=1e-6)
    assert float(marginal_energy(energies, 3, "mean")) == 1.5


def test_the_best_explained_component_weighs_most():
    """The released code minimizes logsumexp(+losses), whose weights favor the worst."""
    energies = ops.convert_to_tensor([0.0, 0.1, 0.5])
    _, (gradient,) = value_and_gradients(lambda t: (marginal_energy(t[0], 10), None), [energies])
    weights = np.exp([-0.0, -1.0, -5.0])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), weights / weights.sum(), rtol=1e-5)


def test_large_sizes_keep_their_digits():
    """N e is 60,000 times 0.7; differences of 1e-5 must still count."""
    energies = ops.convert_to_tensor([0.7, 0.7 + 1e-5])
    gap = float(energies[1] - energies[0])
    _, (gradient,) = value_and_gradients(lambda t: (marginal_energy(t[0], 60_000), None), [energies])
    assert float(gradient[0]) == pytest.approx(1 / (1 + math.exp(-60_000 * gap)), rel=1e-4)


def test_one_component_is_itself():
    assert float(marginal_energy(ops.convert_to_tensor([0.3]), 1000)) == pytest.approx(0.3)


def test_refuses():
    with pytest.raises(ValueError, match="logsumexp"):
        marginal_energy(ops.zeros(2), 1, "max")
