"""PixelCNNs: what a pixel may see, exactly; draws with a cache and without; masked windows by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kgan.layers import Gate, MaskedConv2D, WeightNormalization
from kgan.networks import PixelCNN, PixelCNNPlusPlus
from kgan.objectives import LogisticMixture

NETWORKS = {
    "gated": lambda: PixelCNN((4, 5, 1), 2, filters=3, depth=2, first_kernel_width=3),
    "by place": lambda: PixelCNN((4, 5, 2), 2, filters=3, depth=1, first_kernel_width=3, location_dependent=True),
    "mixture": lambda: PixelCNN((4, 5, 3), filters=3, depth=1, first_kernel_width=3, likelihood=LogisticMixture(2)),
    "plus plus": lambda: PixelCNNPlusPlus((4, 4, 1), filters=3, blocks=1, resolutions=2, likelihood=LogisticMixture(1)),
}


def randomized(make, rng):
    network = make()
    for weight in network.trainable_weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    codes = ops.convert_to_tensor(rng.normal(size=(3, network.code_size)).astype("float32")) if network.code_size else None
    return network, codes


@pytest.mark.parametrize(("stack", "strict", "seen"), [
    ("vertical", False, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]),
    ("vertical", True, [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]),
    ("horizontal", False, [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]),
])  # fmt: skip
def test_windows_end_where_they_may(stack, strict, seen):
    layer = MaskedConv2D(1, (2, 3), stack, strict, kernel_initializer="ones")
    sees = []
    for place in np.ndindex(4, 4):
        x = np.zeros((1, 4, 4, 1), "float32")
        x[0, place[0], place[1]] = 1.0
        if float(layer(x)[0, 2, 2, 0]) != 0.0:
            sees.append(place)
    assert sees == seen
    assert layer.compute_output_shape((None, 4, 4, 1)) == (None, 4, 4, 1)
    assert MaskedConv2D.from_config(layer.get_config()).strict == strict


def test_strides_keep_the_order_and_weight_normalization_wraps():
    layer = WeightNormalization(MaskedConv2D(1, (2, 2), "horizontal", strides=2))
    assert tuple(layer(np.ones((1, 5, 4, 1), "float32")).shape) == (1, 3, 2, 1)
    x = np.zeros((1, 4, 4, 1), "float32")
    base = ops.convert_to_numpy(layer(x))
    x[0, 2, 3], x[0, 3, :] = 1.0, 1.0  # behind (2, 2)
    assert ops.convert_to_numpy(layer(x))[0, 1, 1] == base[0, 1, 1]


def test_gates_by_hand():
    found = Gate("tanh")(np.asarray([[2.0, -1.0, 0.0, 1.0]], "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(found), [[np.tanh(2.0) / 2, np.tanh(-1.0) / (1 + np.exp(-1.0))]], rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_pixel_sees_itself_or_a_later_one_and_all_see_the_first(name, rng):
    network, codes = randomized(NETWORKS[name], rng)
    codes = None if codes is None else codes[:1]
    rows, columns, channels = network.image_shape
    count = rows * columns
    x = rng.uniform(-1, 1, (1, rows, columns, channels)).astype("float32")
    changed = np.repeat(x, count, axis=0).reshape(count, count, channels)
    changed[np.arange(count), np.arange(count)] += 1.0
    # One by one: rounding may depend on the place in a batch.
    images = np.concatenate([x, changed.reshape(count, rows, columns, channels)])
    outputs = np.stack([ops.convert_to_numpy(network.pixel_outputs(image[None], codes)) for image in images])
    outputs = outputs.reshape(count + 1, count, -1)
    moved = np.abs(outputs[1:] - outputs[:1]).max(-1)  # (pixel that changed, pixel that looks)
    assert np.tril(moved).max() == 0.0
    assert moved[0, 1] > 0
    assert moved[count - 2, count - 1] > 0
    assert (np.triu(moved, 1) > 0).sum() > 0.6 * count * (count - 1) / 2


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "plus plus"])
def test_cached_draws_are_the_slow_ones(name, rng):
    network, codes = randomized(NETWORKS[name], rng)
    noise = network.draw_noise(3, seed=1)
    inputs = {"noise": noise} if codes is None else {"noise": noise, "codes": codes}
    cached = ops.convert_to_numpy(network(inputs))
    np.testing.assert_allclose(cached, ops.convert_to_numpy(network.drawn_slowly(noise, codes)), atol=1e-6)
    assert cached.std() > 0.1
    assert np.abs(cached).max() <= 1.0


def test_draws_have_the_probabilities_that_the_network_says(rng):
    network = PixelCNN((1, 2, 1), filters=2, depth=0, first_kernel_width=3)
    for weight in network.trainable_weights:
        weight.assign(rng.normal(0, 1.0, weight.shape))
    values = np.asarray([[-1, -1], [-1, 1], [1, -1], [1, 1]], "float32").reshape(4, 1, 2, 1)
    masses = np.exp(ops.convert_to_numpy(network.log_likelihood(values)))
    assert masses.sum() == pytest.approx(1.0, abs=1e-5)
    drawn = ops.convert_to_numpy(network({"noise": network.draw_noise(4000, seed=0)}))
    shares = [(drawn == value).all((1, 2, 3)).mean() for value in values]
    np.testing.assert_allclose(shares, masses, atol=0.03)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_come_back_from_their_configuration(name, rng):
    network, codes = randomized(NETWORKS[name], rng)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    twin.set_weights(network.get_weights())
    x = np.sign(rng.normal(size=(3, *network.image_shape))).astype("float32")
    first, second = (ops.convert_to_numpy(n.log_likelihood(x, codes)) for n in (network, twin))
    np.testing.assert_array_equal(first, second)


def test_bad_arguments():
    with pytest.raises(ValueError, match="multiples of 4"):
        PixelCNNPlusPlus((6, 6, 1), filters=2, blocks=1, resolutions=3)
    with pytest.raises(TypeError, match="PixelLikelihood"):
        PixelCNN((4, 4, 1), likelihood=layers.Dense(1))
    with pytest.raises(ValueError, match="kernel_width"):
        PixelCNN((4, 4, 1), first_kernel_width=1)
