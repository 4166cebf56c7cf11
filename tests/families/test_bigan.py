"""BiGAN: its numbers, what its networks are, what it refuses."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import ali, bidirectional
from tests.families import pairs
from tests.families.pairs import X, Z, evaluate, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")


def test_both_losses_and_all_gradients_by_hand():
    # Pairs (2, 1) from the data and (-3, 3) from the prior: logits 4 and 3.
    model = kgan.BiGAN(**pairs.networks(), prior=pairs.Always(), weight_decay=0.0)
    terms, gradient = evaluate(model, "discriminator")
    assert terms["adversarial"] == pytest.approx(0.5 * (softplus(-4) + softplus(3)), rel=1e-5)
    assert (terms["real_logit"], terms["fake_logit"]) == (4.0, 3.0)
    expected = 0.5 * (-sigmoid(-4) * np.array([2, 1]) + sigmoid(3) * np.array([-3, 3]))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4)
    terms, (generator, encoder) = evaluate(model, "generator")
    assert terms["adversarial"] == pytest.approx(0.5 * (softplus(4) + softplus(-3)), rel=1e-5)
    assert generator == pytest.approx(-0.5 * sigmoid(-3) * Z, rel=1e-4)  # towards a larger logit
    assert encoder == pytest.approx(0.5 * sigmoid(4) * 2 * X, rel=1e-4)  # towards a smaller one: the label is exchanged


def test_weight_decay_is_half_the_squared_kernels_and_spares_biases():
    networks = pairs.networks()
    encoder = keras.Sequential([keras.Input((1,)), layers.Dense(1, bias_initializer="ones")], name="encoder")
    encoder.layers[0].kernel.assign([[3.0]])
    model = kgan.BiGAN(**{**networks, "encoder": encoder}, weight_decay=0.1)
    assert evaluate(model, "generator")[0]["weight_decay"] == pytest.approx(0.05 * (9 + 1))
    assert evaluate(model, "discriminator")[0]["weight_decay"] == pytest.approx(0.05 * (1 + 4))
    assert kgan.BiGAN((2,), size=1, latent_size=2).weight_decay == 2.5e-5


def test_one_batch_for_both_pairs_gives_the_same_numbers():
    for joint in (True, False):
        model = kgan.BiGAN(**pairs.networks(), prior=pairs.Always(), joint_batch=joint)
        assert evaluate(model, "generator")[0]["adversarial"] == pytest.approx(0.5 * (softplus(4) + softplus(-3)), rel=1e-5)


def test_the_moves_are_simultaneous_and_the_joint_player_is_generator_and_encoder():
    (turn,) = kgan.BiGAN(**pairs.networks()).turns()
    assert [(m.name, m.players) for m in turn.moves] == [
        ("discriminator", ("discriminator",)),
        ("generator", ("generator", "encoder")),
    ]


def test_permutation_invariant_networks_are_the_code_s():
    encoder, generator, discriminator = bidirectional.perceptrons((28, 28, 1))
    assert [v.shape for v in encoder.trainable_variables] == [(784, 1024), (1024, 1024), (1024, 50)]
    # Twice a map of the code: into the first layer and, before batch norm, into the second.
    assert sorted(tuple(v.shape) for v in generator.trainable_variables) == [(50, 1024), (50, 1024), (1024, 784), (1024, 1024)]
    order = [layer.name for layer in generator.layers]
    assert order.index("hidden_1") < order.index("with_code_1") < order.index("norm_1") < order.index("activation_1")
    # The code enters after the first layer; batch norm has neither gain nor offset, and nothing has a bias.
    assert sorted(tuple(v.shape) for v in discriminator.trainable_variables) == [(50, 1024), (784, 1024), (1024, 1), (1024, 1024)]
    norms = [
        [layer.name for layer in network.layers if isinstance(layer, layers.BatchNormalization)]
        for network in (encoder, generator, discriminator)
    ]
    assert norms == [["norm_1"], ["norm_0", "norm_1"], ["norm_1"]]
    order = [layer.name for layer in discriminator.layers]
    assert order.index("with_code_1") < order.index("norm_1") < order.index("activation_1")
    assert float(np.std(discriminator.get_layer("code_1").kernel)) == pytest.approx(0.02, rel=0.05)


def test_the_code_enters_the_generator_s_second_layer_by_itself(rng):
    _, generator, _ = bidirectional.perceptrons((4,), 2, 8, data_interval=None)
    z = rng.normal(size=(5, 2)).astype("float32")
    generator.get_layer("hidden_1").kernel.assign(np.zeros((8, 8)))
    assert np.abs(generator(z) - generator(z + 1)).max() > 1e-6


@pytest.mark.parametrize(("build", "shape", "epsilon"), [
    (bidirectional.perceptrons, (4,), 1e-8), (bidirectional.convolutional, (16, 16, 1), 1e-8),
    (bidirectional.stochastic_perceptrons, (2,), 1e-4), (ali.convolutional, (8, 8, 1), 1e-4),
])  # fmt: skip
def test_batch_norm_has_the_authors_epsilon(build, shape, epsilon):
    """BiGAN's Theano code and ALI's Blocks; Keras' own is 1e-3."""
    narrow = {"width": 0.1} if build is ali.convolutional else {"size": 2} if build is bidirectional.convolutional else {}
    for given, expected in (({}, epsilon), ({"epsilon": 1e-3}, 1e-3)):
        norms = [
            n for network in build(shape, **narrow, **given) for n in network.layers if isinstance(n, layers.BatchNormalization)
        ]
        assert norms
        assert {norm.epsilon for norm in norms} == {expected}


def test_families_hand_on_epsilon():
    for family, shape, default in ((kgan.BiGAN, (5,), 1e-8), (kgan.BiGAN, (16, 16, 1), 1e-8), (kgan.ALI, (8, 8, 1), 1e-4)):
        narrow = {"width": 0.1} if family is kgan.ALI else {"size": 2}
        for given, expected in (({}, default), ({"epsilon": 1e-3}, 1e-3)):
            model = family(shape, **narrow, **given, seed=0)
            assert model.epsilon == model.get_config()["epsilon"] == expected
            assert {n.epsilon for n in model.encoder.layers if isinstance(n, layers.BatchNormalization)} == {expected}
    with pytest.raises(TypeError, match="epsilon"):
        kgan.VEEGAN((2,), epsilon=1e-3)


def test_the_code_reaches_the_discriminator_only_through_its_maps(rng):
    _, _, discriminator = bidirectional.perceptrons((4,), 2, 8)
    x, z = (rng.normal(size=(5, n)).astype("float32") for n in (4, 2))
    assert np.abs(discriminator([x, z]) - discriminator([x, z + 1])).max() > 1e-6
    discriminator.get_layer("code_1").kernel.assign(np.zeros((2, 8)))
    np.testing.assert_array_equal(discriminator([x, z]), discriminator([x, z + 1]))


def test_encoder_and_generator_end_where_prior_and_data_do(rng):
    z = 100 * rng.normal(size=(50, 3)).astype("float32")
    encoder, generator, _ = bidirectional.perceptrons((3,), 3, 8, code_interval=(-2.0, 1.0), data_interval=(0.0, 1.0))
    for network, low, high in ((encoder, -2.0, 1.0), (generator, 0.0, 1.0)):
        network.set_weights([100 * w if w.ndim == 2 else w for w in network.get_weights()])
        values = np.asarray(network(z))
        assert values.min() == pytest.approx(low, abs=0.1)
        assert values.max() == pytest.approx(high, abs=0.1)
    model = kgan.BiGAN((3,), size=1, prior=kgan.priors.Normal())
    assert "bound_sigmoid" not in [layer.name for layer in model.encoder.layers]


@pytest.mark.parametrize("size", [16, 48, 64])
def test_convolutional_networks_of_every_size(size):
    encoder, generator, discriminator = bidirectional.convolutional((size, size, 3), 7, 2)
    assert encoder.output_shape == (None, 7)
    assert generator.output_shape == (None, size, size, 3)
    assert discriminator.compute_output_shape([(None, size, size, 3), (None, 7)]) == (None, 1)


def test_convolutional_networks_are_the_code_s():
    encoder, generator, discriminator = bidirectional.convolutional()
    kernels = [tuple(encoder.get_layer(f"conv_{i}").kernel.shape) for i in range(5)]
    assert kernels == [(11, 11, 3, 96), (5, 5, 48, 256), (3, 3, 256, 384), (3, 3, 192, 384), (3, 3, 192, 256)]
    assert [generator.get_layer(f"up_{i}").filters for i in range(3)] == [256, 128, 64]
    assert [discriminator.get_layer(f"down_{i}").filters for i in range(4)] == [64, 128, 256, 512]
    names = [layer.name for layer in discriminator.layers]
    assert "down_0_code" not in names
    assert "down_1_code" in names
    assert float(np.std(discriminator.get_layer("down_1_code").kernel)) == pytest.approx(0.02 * 25, rel=0.05)
    assert "up_0_code" in [layer.name for layer in generator.layers]


def test_encode_reconstruct_and_averages(rng):
    model = kgan.BiGAN(**pairs.networks())
    x = rng.normal(size=(10, 1)).astype("float32")
    np.testing.assert_allclose(model.encode(x, batch_size=3), 0.5 * x, rtol=1e-6)
    np.testing.assert_allclose(model.reconstruct(x, batch_size=4), -0.5 * x, rtol=1e-6)
    model.compile(averages={"encoder": 0.5})
    model.encoder.set_weights([np.array([[7.0]])])
    np.testing.assert_allclose(model.encode(x), 0.5 * x, rtol=1e-6)
    with pytest.raises(ValueError, match="shape"):
        model.encode(x.repeat(2, axis=1))


def test_statistics_are_estimated_anew(rng):
    model = kgan.BiGAN((3,), size=1, latent_size=2, seed=0)
    before = np.asarray(model.generator.get_layer("norm_0").moving_variance)
    weights = [np.asarray(v) for v in model.trainable_variables]
    model.estimate_statistics(rng.uniform(-1, 1, (20, 3)).astype("float32"), passes=50, batch_size=64)
    after = np.asarray(model.generator.get_layer("norm_0").moving_variance)
    kernel = np.asarray(model.generator.get_layer("hidden_0").kernel)
    np.testing.assert_allclose(after, (kernel**2).sum(0) / 3, rtol=0.1)  # the variance of U(-1, 1) is 1/3
    assert not np.allclose(before, after)
    assert model.generator.get_layer("norm_0").momentum == 0.95
    for a, b in zip(weights, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)


class Integers(kgan.priors.Prior):
    def __call__(self, shape, seed=None):
        return ops.ones(shape, "int32")


def one_input():
    return pairs.linear([1], [[1.0]], "discriminator")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discriminator": one_input}, "two inputs"),
        ({"encoder": lambda: pairs.linear([1], [[1.0, 2.0]], "encoder")}, "must return 1 numbers"),
        ({"encoder": lambda: pairs.linear([2], [[1.0], [2.0]], "encoder")}, "takes examples of shape"),
        (
            {
                "generator": lambda: pairs.linear([2], [[1.0], [2.0]], "generator"),
                "encoder": lambda: pairs.linear([1], [[1.0, 2.0]], "encoder"),
            },
            "takes codes of shape",
        ),
        ({"discriminator": lambda: pairs.linear([1, 1], np.ones((2, 3)), "discriminator")}, "one logit"),
        ({"generator": lambda: None}, "or none of them"),
        ({"prior": Integers}, "real numbers"),
        ({"data_shape": lambda: (3,)}, "the data have"),
        ({"weight_decay": lambda: -1.0}, "weight_decay"),
        ({"extra_noise": lambda: 1}, "extra_noise"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {**pairs.networks(), **{key: make() for key, make in change.items()}}
    with pytest.raises(ValueError, match=message):
        kgan.BiGAN(**arguments)


def test_without_shape_or_with_a_bad_size():
    with pytest.raises(ValueError, match="shape of one example is unknown"):
        kgan.BiGAN()
    with pytest.raises(ValueError, match="even integer"):
        kgan.BiGAN((16, 16, 1), size=3)


def test_the_rate_holds_and_then_decays():
    schedule = kgan.optimizers.HoldThenDecay(2e-4, 400)
    rates = [float(schedule(step)) for step in (0, 200, 300, 400, 999)]
    np.testing.assert_allclose(rates, [2e-4, 2e-4, 2e-5, 2e-6, 2e-6], rtol=1e-5)
    assert kgan.optimizers.HoldThenDecay.from_config(schedule.get_config()).steps == 400
    with pytest.raises(ValueError, match="hold"):
        kgan.optimizers.HoldThenDecay(1e-3, 10, hold=1.0)
