"""The networks of CausalGAN and CausalBEGAN: the published tables, minibatch features."""

import keras
import numpy as np
import pytest

from kgan.networks import causal
from tests.families.causal_models import numpy_of

# Networks ------------------------------------------------------------------------------------------------------------


@pytest.mark.only("tensorflow")
def test_the_published_networks_of_images():
    generator, discriminator, labeler, anti_labeler = causal.image_networks((64, 64, 3), 9)
    assert tuple(generator.get_layer("project").kernel.shape) == (109, 4 * 4 * 512)
    assert [generator.get_layer(n).filters for n in ("up_1", "up_2", "up_3", "output")] == [256, 128, 64, 3]
    for network in (discriminator, labeler, anti_labeler):
        assert [network.get_layer(f"down_{i}").filters for i in range(4)] == [64, 128, 256, 512]
        assert [network.get_layer(f"down_{i}").use_bias for i in range(4)] == [True, False, False, False]
        assert network.get_layer("logit").use_bias
    assert generator.get_layer("output").use_bias
    assert [n.output_shape[-1] for n in (discriminator, labeler, anti_labeler)] == [1, 9, 9]
    assert len({id(w) for n in (labeler, anti_labeler) for w in n.weights}) == 2 * len(labeler.weights)
    assert [discriminator.get_layer(f"minibatch_{i}").output.shape[1:] for i in (0, 1)] == [(8, 8, 64), (4, 4, 64)]
    assert tuple(discriminator.get_layer("minibatch_similarities").kernel.shape) == (4 * 4 * 64, 300, 50)
    assert discriminator.get_layer("minibatch_join").output.shape[1:] == (16, 16, 428)
    norms = [
        layer for n in (generator, discriminator) for layer in n.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert {(layer.epsilon, layer.momentum, layer.scale) for layer in norms} == {(1e-5, 0.9, True)}
    # Per map everywhere: DCGAN's first one is per unit, of which there are 8192.
    assert [layer.gamma.shape[0] for layer in norms] == [512, 256, 128, 64, 128, 256, 512]


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("size", [8, 16])
def test_the_discriminator_of_every_size_looks_at_its_minibatch(size, rng):
    discriminator = causal.image_networks((size, size, 1), 2, 3, 4, kernels=3, kernel_size=2)[1]
    images = rng.uniform(-1, 1, (3, size, size, 1)).astype("float32")
    alike = np.concatenate([images[:1]] * 3)
    discriminator.get_layer("minibatch_similarities").kernel.assign(
        rng.normal(size=discriminator.get_layer("minibatch_similarities").kernel.shape)
    )
    assert np.abs(numpy_of(discriminator(images))[0] - numpy_of(discriminator(alike))[0]).max() > 1e-8
    without = causal.image_networks((size, size, 1), 2, 3, 4, kernels=0)[1]
    assert not [layer.name for layer in without.layers if layer.name.startswith("minibatch")]


def test_minibatch_features_by_hand(rng):
    maps = keras.Input((4, 4, 2))
    network = keras.Model(maps, causal.minibatch_features(maps, kernels=3, kernel_size=2, filters=2))
    network.get_layer("minibatch_similarities").kernel.assign(rng.normal(0, 1e3, (2, 3, 2)))
    x = rng.normal(size=(4, 4, 4, 2)).astype("float32")
    out = numpy_of(network(x))
    np.testing.assert_array_equal(out[..., :2], x)
    inner = keras.Model(network.input, network.get_layer("minibatch_flatten").output)
    rows = np.einsum("nf,fkc->nkc", numpy_of(inner(x)), numpy_of(network.get_layer("minibatch_similarities").kernel))
    near = np.exp(-np.abs(rows[:, None] - rows[None]).sum(-1))
    expected = (near.sum(1) - 1) / 4  # without itself; the mean over a minibatch of four
    assert expected.max() > 1e-3
    np.testing.assert_allclose(out[..., 2:], np.broadcast_to(expected[:, None, None], (4, 4, 4, 3)), rtol=1e-3, atol=1e-5)


@pytest.mark.only("tensorflow")
def test_the_published_networks_of_the_boundary():
    generator, discriminator, labeler = causal.boundary_networks((64, 64, 3), 9, filters=2)
    assert (generator.input_shape, labeler.output_shape) == ((None, 73), (None, 9))
    assert discriminator.output_shape == discriminator.input_shape == generator.output_shape == (None, 64, 64, 3)
    convolutions = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [2] * 8 + [3]
    assert [layer.activation.__name__ for layer in convolutions] == ["elu"] * 8 + ["linear"]
    encoder = [layer for layer in labeler.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in encoder] == [2, 2, 2, 2, 4, 4, 4, 6, 6, 6, 8, 8]
    assert [layer.strides[0] for layer in encoder] == [1, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1]
    assert {layer.kernel_size for layer in convolutions + encoder} == {(3, 3)}
    assert discriminator.get_layer("code").units == 64
    with pytest.raises(ValueError, match="8 times a power of two"):
        causal.boundary_networks((24, 24, 3), 2)
