"""Energies, the hinge and the pulling-away term, worked out by hand."""

import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def test_the_hinge_is_of_every_example():
    """Energies 0 and 2 m: every example's hinge gives m / 2, the mean's hinge would give 0."""
    assert float(objectives.energy_margin(tensor([[1.0], [1.0]]), tensor([[0.0], [4.0]]), 2.0)) == pytest.approx(2.0)
    assert float(objectives.energy_margin(tensor([[1.5]]), tensor([[0.5]]), 0.0)) == pytest.approx(1.5)


@pytest.mark.parametrize(("kind", "value"), [("norm", 5.0), ("sum_squares", 25.0), ("mean_squares", 12.5)])
def test_energies(kind, value):
    x, restored = tensor([[0.0, 0.0], [1.0, 1.0]]), tensor([[3.0, 4.0], [1.0, 1.0]])
    found = ops.convert_to_numpy(objectives.reconstruction_energy(x, restored, kind))
    np.testing.assert_allclose(found, [[value], [0.0]], atol=2e-6)
    images = [ops.reshape(t, (2, 1, 2, 1)) for t in (x, restored)]
    np.testing.assert_array_equal(ops.convert_to_numpy(objectives.reconstruction_energy(*images, kind)), found)


def test_an_unknown_energy_is_refused():
    with pytest.raises(ValueError, match="mean_squares"):
        objectives.reconstruction_energy(tensor([[1.0]]), tensor([[1.0]]), "square")


def test_the_gradient_passes_through_what_is_restored_and_what_it_is_compared_with():
    """D(x) = |x / 2 - x|: slope 1/2. With the target held fixed it would be -1/2."""

    def energy(tensors):
        return ops.sum(objectives.reconstruction_energy(tensors[0], 0.5 * tensors[0])), None

    _, (gradient,) = backend.value_and_gradients(energy, [tensor([[3.0]])])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), [[0.5]], atol=1e-6)


def test_no_difference_has_no_infinite_slope():
    def energy(tensors):
        return ops.sum(objectives.reconstruction_energy(tensors[0], ops.zeros((1, 2)))), None

    _, (gradient,) = backend.value_and_gradients(energy, [ops.zeros((1, 2))])
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), 0.0)


def test_pulling_away_by_hand():
    v = [1.0, 2.0, 2.0]
    for codes, value in (
        (np.eye(4), 0.0),
        ([v, v, v], 1.0),
        ([v, np.negative(v)], 1.0),  # the cosine is squared
        ([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], (0.5 + 0.5) * 2 / 6),
        ([[0.0, 0.0], [1.0, 0.0]], 0.0),  # rectified codes may all be 0
    ):
        assert float(objectives.pulling_away(tensor(codes))) == pytest.approx(value, abs=1e-6)
    codes = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    scaled = codes * np.arange(1, 6, dtype="float32")[:, None, None]
    assert float(objectives.pulling_away(tensor(codes))) == pytest.approx(
        float(objectives.pulling_away(tensor(scaled))), abs=1e-5
    )
    with pytest.raises(ValueError, match="at least 2"):
        objectives.pulling_away(tensor([v]))
