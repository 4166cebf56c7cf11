"""Unrolled and consensus games of networks, f-GAN, against what the papers' equations say."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from benchmarks.proofs.consensus import network_error
from benchmarks.proofs.unrolled import step_error
from kgan.networks import dcgan, mlp
from kgan.networks import unrolled as unrolled_networks

pytestmark = pytest.mark.only("tensorflow")  # the conformance suite runs the families everywhere


def test_consensus_sees_how_each_player_s_gradient_depends_on_the_other():
    # A gradient stopped anywhere between the players, as in a discriminator's loss on detached samples, gives an error of 0.3.
    assert network_error(seed=0) < 1e-6


@pytest.mark.parametrize("steps", [0, 2])
def test_unrolling_differentiates_through_the_steps(steps):
    assert step_error(0, steps, warm=3, stopped=False) < 1e-6
    assert (step_error(0, steps, warm=3, stopped=True) < 1e-6) == (steps == 0)


def test_a_rule_at_compile_for_any_simultaneous_game(tmp_path):
    def model(**kwargs):
        keras.utils.set_random_seed(0)
        return kgan.GAN(
            (2,), generator=mlp.generator((2,), 2, (4,)), discriminator=mlp.discriminator((2,), (4,)), seed=0, **kwargs
        )

    data = kgan.datasets.ring().sample(64, 0)
    weights = []
    for weight in (0.0, 5.0):
        game = model(simultaneous=True)
        game.compile(rule=kgan.Consensus(weight))
        game.fit(data, batch_size=32, verbose=0)
        weights.append(np.concatenate([ops.convert_to_numpy(v).ravel() for v in game.trainable_variables]))
    plain = model(simultaneous=True)
    plain.compile()
    plain.fit(data, batch_size=32, verbose=0)
    ours = np.concatenate([ops.convert_to_numpy(v).ravel() for v in plain.trainable_variables])
    np.testing.assert_allclose(weights[0], ours, atol=1e-6)
    assert np.abs(weights[1] - ours).max() > 1e-5
    game.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [turn.rule.weight for turn in loaded._play.turns] == [5.0]
    with pytest.raises(ValueError, match="simultaneous=True"):
        model().compile(rule=kgan.Consensus())
    with pytest.raises(TypeError, match="such as"):
        model(simultaneous=True).compile(rule="consensus")


def test_consensus_gan_warns_of_unequal_optimizers():
    model = kgan.ConsensusGAN((2,), seed=0)
    with pytest.warns(UserWarning, match="equal optimizers"):
        model.compile(optimizers={"generator": keras.optimizers.RMSprop(1e-3)})
    with pytest.raises(ValueError, match="weight"):
        kgan.ConsensusGAN((2,), weight=-1.0)


def test_consensus_gan_networks_of_the_paper():
    model = kgan.ConsensusGAN((32, 32, 3))
    assert model.latent_size == 256
    assert model.generator.get_layer("reshape").output.shape[1:] == (2, 2, 64)
    assert [layer.filters for layer in model.discriminator.layers if hasattr(layer, "filters")] == [64] * 4
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": -1}, ValueError, "steps"),
        ({"steps": 2.0}, ValueError, "steps"),
        ({"steps": True}, TypeError, "steps"),
        ({"objective": "hinge"}, ValueError, "minimax"),
        ({"generator_batch": 2}, TypeError, "sets `generator_batch` itself"),
    ],
)
def test_unrolled_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        kgan.UnrolledGAN((2,), **arguments)


def test_unrolled_refuses_optimizers_without_a_recursion():
    model = kgan.UnrolledGAN((2,), steps=1, seed=0)
    model.compile(optimizers={"discriminator": keras.optimizers.RMSprop(1e-3)})
    with pytest.raises(TypeError, match="SGD and Adam"):
        model.fit(kgan.datasets.ring().sample(8, 0), batch_size=8, verbose=0)


@pytest.mark.parametrize("setting", [{"clipnorm": 1e-3}, {"use_ema": True}])
def test_unrolled_refuses_what_its_recursion_lacks(setting):
    model = kgan.UnrolledGAN((2,), steps=1, seed=0)
    model.compile(optimizers={"discriminator": keras.optimizers.Adam(1e-3, **setting)})
    with pytest.raises(TypeError, match=next(iter(setting))):
        model.fit(kgan.datasets.ring().sample(8, 0), batch_size=8, verbose=0)


def test_virtual_steps_are_regularized_like_real_ones():
    """With a huge L2 weight and a rate that undoes it in one step, the virtual discriminator is 0 and says log 2 of everything."""
    critic = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(500.0))]
    )
    model = kgan.UnrolledGAN(generator=mlp.generator((1,), 1, (2,)), discriminator=critic, steps=1, seed=0)
    model.compile(optimizers={m: keras.optimizers.SGD(1e-3) for m in ("discriminator", "generator")})
    x = 1e-3 * np.ones((8, 1), "float32")
    history = model.fit(x, batch_size=8, verbose=0).history
    assert history["generator/adversarial"][0] == pytest.approx(-2 * np.log(2), abs=1e-3)


def test_slots_are_found_by_their_whole_name():
    """`dense` and `my_dense` end alike; the virtual step of one must not start from the other's moments."""
    critic = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, name="my_dense", use_bias=False),
            keras.layers.Dense(2, name="dense", use_bias=False),
        ]
    )
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    optimizer.build(critic.trainable_variables)
    for variable in optimizer.variables:
        if variable.path.endswith("my_dense_kernel_momentum"):
            variable.assign(np.full((2, 2), 7.0))
    inner, outer = critic.trainable_variables[1], critic.trainable_variables[0]
    seen = []
    kgan.engine.unrolled(
        lambda: seen.append(ops.convert_to_numpy(inner)), lambda: 0.0 * ops.sum(inner), [outer, inner], 1, optimizer
    )
    np.testing.assert_allclose(seen[0], ops.convert_to_numpy(inner), atol=1e-6)


def test_zero_unrolled_steps_are_the_ordinary_game():
    """The minimax loss of the generator differs by E log D(x), which does not depend on it."""
    data = kgan.datasets.ring().sample(64, 0)
    weights = []
    for build in (
        lambda **k: kgan.UnrolledGAN((2,), steps=0, **k),
        lambda **k: kgan.GAN((2,), objective="minimax", simultaneous=True, **k),
    ):
        keras.utils.set_random_seed(0)
        model = build(generator=mlp.generator((2,), 2, (4,)), discriminator=mlp.discriminator((2,), (4,)), seed=0)
        model.compile(optimizers={m: keras.optimizers.SGD(0.1) for m in ("discriminator", "generator")})
        model.fit(data, batch_size=32, verbose=0)
        weights.append(np.concatenate([ops.convert_to_numpy(v).ravel() for v in model.trainable_variables]))
    np.testing.assert_allclose(*weights, atol=1e-6)


@pytest.mark.parametrize(("size", "sizes"), [(28, [4, 7, 14, 28]), (32, [4, 8, 16, 32]), (8, [4, 8])])
def test_unrolled_image_networks(size, sizes):
    generator = unrolled_networks.generator((size, size, 3), 16, 8)
    reached = [generator.get_layer("reshape").output.shape[1]]
    reached += [
        layer.output.shape[1] for layer in generator.layers if layer.name.endswith("_relu") and layer.name != "project_relu"
    ]
    assert reached == sizes
    assert generator.output_shape == (None, size, size, 3)
    discriminator = unrolled_networks.discriminator((size, size, 3), 2)
    assert [layer.filters for layer in discriminator.layers if hasattr(layer, "filters")] == [2, 4, 8][: len(sizes) - 1]
    assert discriminator.output_shape == (None, 1)


def test_constant_filters():
    network = dcgan.generator((16, 16, 1), 4, 6, growth=1, nonlinearity=0.2, batch_norm=False)
    assert {layer.filters for layer in network.layers if hasattr(layer, "filters")} == {6, 1}


def test_fgan_of_pictures_learns_from_a_sure_critic():
    """The bound itself is flat in samples of which V is sure; the trick is not, and is the default of pictures."""
    slopes = {}
    for shape in ((8, 8, 1), (2,)):
        objective = kgan.FGAN(shape, seed=0).objective
        sure = [ops.convert_to_tensor([[-10.0]])]
        _, (slope,) = kgan.backend.value_and_gradients(lambda t, loss=objective.generator: (loss(t[0]), None), sure)
        slopes[shape] = abs(float(ops.convert_to_numpy(slope)[0, 0]))
    assert slopes[8, 8, 1] > 0.9
    assert slopes[(2,)] < 1e-4
    assert not kgan.FGAN((8, 8, 1), trick=False).trick


def test_fgan_is_the_single_step_method():
    model = kgan.FGAN((2,), divergence="pearson")
    (turn,) = model.turns()
    assert [move.name for move in turn.moves] == ["discriminator", "generator"]
    assert len(kgan.FGAN((2,), simultaneous=False).turns()) == 2
    with pytest.raises(ValueError, match="Unknown divergence"):
        kgan.FGAN((2,), divergence="wasserstein")


def test_activations_by_hand():
    z = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], "float32")
    for layer, values in (
        (kgan.layers.MuReLU(0.4), (z + np.sqrt(0.36 + z**2)) / 2),
        (kgan.layers.MuReLU(1.0), np.maximum(z, 0)),
        (kgan.layers.LSU(), np.array([0.0, 0.25, 1.0, 2.25, 8.0])),
        (kgan.layers.BinarySoftplus(), np.log2(1 + np.exp(z))),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(layer(z)), values, rtol=1e-5, atol=1e-6)
        twin = type(layer).from_config(layer.get_config())
        np.testing.assert_array_equal(ops.convert_to_numpy(twin(z)), ops.convert_to_numpy(layer(z)))
    with pytest.raises(ValueError, match="mu"):
        kgan.layers.MuReLU(1.1)


def test_stratified_points_take_turns():
    _, modes = kgan.datasets.ring().sample(16, 0, labels=True, stratified=True)
    np.testing.assert_array_equal(modes, np.arange(16) % 8)
