"""3D-GAN and 3D-VAE-GAN: the accuracy gate, the three losses, the paper's networks, features, what is refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import volumetric

SHAPE = (8, 8, 8, 1)


def stub_discriminator():
    """The logit is the mean occupancy minus a half, times one weight: real shapes of 1 and fakes of 0 are told apart."""
    x = keras.Input(SHAPE, name="voxels")
    mean = layers.GlobalAveragePooling3D(name="mean")(x)
    mean = layers.Rescaling(1.0, -0.5, name="center")(mean)
    logit = layers.Dense(1, use_bias=False, kernel_initializer="ones", name="logit")(mean)
    return keras.Model(x, logit, name="discriminator")


def empty_generator():
    """Occupancies near 0 whatever the latent."""
    z = keras.Input((3,), name="latent")
    x = layers.Dense(512, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-4.0), name="output")(z)
    x = layers.Activation("sigmoid", name="occupancy")(layers.Reshape(SHAPE, name="reshape")(x))
    return keras.Model(z, x, name="generator")


def gated(**kwargs):
    model = kgan.ThreeDGAN(generator=empty_generator(), discriminator=stub_discriminator(), seed=0, **kwargs)
    model.compile({move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")})
    return model


def play(model, value, rounds=1):
    shapes = np.full((4 * rounds, *SHAPE), value, "int8")
    return model.fit(shapes, batch_size=4, verbose=0).history


def moves(model):
    return int(model.optimizer["discriminator"].iterations)


def test_the_discriminator_rests_exactly_where_the_stored_accuracy_is_above_the_gate():
    model = gated()
    for stored, moved in ((0.0, 1), (0.79, 1), (0.8, 1), (0.8001, 0), (1.0, 0)):
        model._accuracy.assign(stored)
        before = moves(model)
        play(model, 1)
        assert moves(model) - before == moved, stored


def test_a_shut_gate_opens_again_because_resting_rounds_are_measured_too():
    model = gated()
    history = play(model, 1)
    # Real shapes of 1 and fakes of 0.02 lie on both sides of a half: all are told apart. It moved once, for the state was 0.
    assert history["generator/accuracy"] == [1.0]
    assert moves(model) == 1
    play(model, 1, rounds=5)
    assert moves(model) == 1
    # Real shapes of 0 are on the wrong side: an accuracy of a half. Measured in the sixth resting round, it opens the seventh.
    assert play(model, 0)["generator/accuracy"] == [0.5]
    assert moves(model) == 1
    play(model, 0)
    assert moves(model) == 2


def test_the_accuracy_is_that_of_the_discriminators_own_batch_before_its_step():
    # One real shape of four is on the right side; all fakes are: 5 of 8. The step then turns the weight's sign, which must not show.
    model = gated()
    model.compile({"discriminator": keras.optimizers.SGD(1e4), "generator": keras.optimizers.SGD(0.0)})
    shapes = np.zeros((4, *SHAPE), "float32")
    shapes[0] = 1.0
    history = model.fit(shapes, batch_size=4, verbose=0).history
    assert history["generator/accuracy"] == [0.625]
    assert float(model.discriminator.get_weights()[0][0, 0]) < 0


def test_the_gate_leaves_everything_of_a_resting_discriminator_alone():
    model = kgan.ThreeDGAN(SHAPE, filters=2, latent_size=3, epsilon=1e-3, seed=0)
    model.compile()
    model._accuracy.assign(0.9)
    before = model.discriminator.get_weights()
    generator = model.generator.get_weights()
    history = play(model, 1)
    for a, b in zip(before, model.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(generator, model.generator.get_weights(), strict=True))
    # The accuracy of the round replaced the stored one.
    assert float(model._accuracy) == pytest.approx(history["generator/accuracy"][0])


def test_a_gate_of_one_is_always_open():
    model = gated(accuracy_gate=1.0)
    play(model, 1, rounds=4)
    assert moves(model) == 4


@pytest.mark.parametrize("dtype", ["int8", "bool"])
def test_voxels_of_any_type_give_the_same_round(dtype, rng):
    shapes = rng.random((4, *SHAPE)) < 0.3
    weights = []
    for kind in ("float32", dtype):
        keras.utils.set_random_seed(1)
        model = kgan.ThreeDGAN(SHAPE, filters=2, latent_size=3, epsilon=1e-3, seed=0)
        model.compile(run_eagerly=True)
        model.fit(shapes.astype(kind), batch_size=4, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_papers_networks():
    """Shapes and numbers of weights of 64^3, from the table."""
    generator, discriminator = volumetric.generator(), volumetric.discriminator()
    assert generator.output_shape == (None, 64, 64, 64, 1)
    assert discriminator.output_shape == (None, 1)
    # Kernels of 4^3 = 64 between maps, and two numbers of batch norm for each map.
    kernels = 64 * (200 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 1)
    norms = 2 * (512 + 256 + 128 + 64)
    assert sum(int(np.prod(v.shape)) for v in generator.trainable_variables) == kernels + norms
    kernels = 64 * (1 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1)
    assert sum(int(np.prod(v.shape)) for v in discriminator.trainable_variables) == kernels + norms
    assert [layer.output.shape[1] for layer in discriminator.layers if layer.name.endswith("_norm")] == [32, 16, 8, 4]
    encoder = volumetric.image_encoder()
    assert [layer.output.shape[1:] for layer in encoder.layers if layer.name.endswith("_activation")] == [
        (64, 64, 64), (32, 32, 128), (16, 16, 256), (8, 8, 512),
    ]  # fmt: skip
    assert encoder.output_shape == (None, 400)
    assert encoder.get_layer("mean_and_log_variance").kernel.shape == (8 * 8 * 512, 400)


@pytest.mark.parametrize(("size", "maps"), [(32, [256, 128, 64]), (16, [128, 64]), (8, [64])])
def test_smaller_cubes_leave_layers_out_at_the_wide_end(size, maps):
    generator = volumetric.generator((size, size, size, 1))
    assert [layer.output.shape[-1] for layer in generator.layers if layer.name.endswith("_norm")] == maps
    assert generator.get_layer("project_norm").output.shape[1] == 4


def test_default_rates_are_the_papers():
    optimizers = kgan.ThreeDVAEGAN(SHAPE, image_shape=(16, 16, 1), filters=2, latent_size=3).default_optimizers()
    rates = {move: (round(float(o.learning_rate), 7), o.beta_1) for move, o in optimizers.items()}
    assert rates == {"discriminator": (1e-5, 0.5), "generator": (0.0025, 0.5), "encoder": (1e-4, 0.5)}


# Features ------------------------------------------------------------------------------------------------------------


def test_features_are_pooled_responses_and_those_of_a_shape_do_not_depend_on_its_batch(rng):
    model = kgan.ThreeDGAN((16, 16, 16, 1), filters=2, base=2, latent_size=3, seed=0)
    shapes = (rng.random((5, 16, 16, 16, 1)) < 0.3).astype("int8")
    features = model.features(shapes)
    assert features.shape == (5, 8 * (2 + 4 + 8))
    np.testing.assert_allclose(model.features(shapes[2:3])[0], features[2], atol=1e-5)
    # By hand, from the first convolution: 8^3 cells, of which blocks of 4^3 give one number each.
    tap = kgan.networks.with_features(model.discriminator, "down_0_activation")
    maps = ops.convert_to_numpy(tap(shapes.astype("float32"), training=False)[0])
    pooled = maps.reshape(5, 2, 4, 2, 4, 2, 4, 2).max(axis=(2, 4, 6)).reshape(5, -1)
    np.testing.assert_allclose(model.features(shapes, ["down_0_activation"]), pooled, atol=1e-5)


def test_features_at_the_papers_size_are_7168():
    model = volumetric.discriminator()
    names = [layer.name for layer in model.layers if layer.name.endswith("_activation")][-3:]
    assert names == ["down_1_activation", "down_2_activation", "down_3_activation"]
    assert 8 * sum(model.get_layer(name).output.shape[-1] for name in names) == 7168


def test_features_refuse_layers_that_are_not_there():
    model = kgan.ThreeDGAN(SHAPE, filters=2, latent_size=3, seed=0)
    with pytest.raises(ValueError, match="must name layers of the discriminator"):
        model.features(np.zeros((2, *SHAPE)), ["nowhere"])
    with pytest.raises(ValueError, match="cannot be pooled to 3"):
        model.features(np.zeros((2, *SHAPE)), cells=3)


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (np.full((8, *SHAPE), -1.0, "float32"), r"lie in \[0, 1\]"),
        (np.full((8, *SHAPE), np.nan, "float32"), r"lie in \[0, 1\]"),
        (np.full((8, *SHAPE), 255, "uint8"), r"lie in \[0, 1\]"),
        (np.zeros((8, 8, 8, 8), "float32"), "must be cubes"),
        (np.zeros((8, *SHAPE), "complex64"), "must be numbers"),
    ],
)
def test_data_that_are_no_occupancies_are_refused(shapes, message):
    model = kgan.ThreeDGAN(SHAPE, filters=2, latent_size=3, seed=0)
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(shapes, batch_size=4, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"voxel_shape": (8, 8, 16, 1)}, "must be a cube"),
        ({"voxel_shape": (24, 24, 24, 1)}, "4 times a power of two"),
        ({"voxel_shape": (4, 4, 4, 1)}, "4 times a power of two"),
        ({"voxel_shape": SHAPE, "accuracy_gate": 1.5}, "accuracy_gate"),
        ({"voxel_shape": SHAPE, "simultaneous": True}, "simultaneous"),
    ],
)
def test_systems_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.ThreeDGAN(filters=2, latent_size=3, **arguments)


# 3D-VAE-GAN ----------------------------------------------------------------------------------------------------------


def vae(**kwargs):
    return kgan.ThreeDVAEGAN(
        SHAPE, image_shape=(16, 16, 1), filters=2, latent_size=3, epsilon=1e-3, reconstruction_weight=0.5, seed=0, **kwargs
    )


def pairs(rng, count=8):
    shapes = (rng.random((count, *SHAPE)) < 0.2).astype("int8")
    return {"shapes": shapes, "views": rng.uniform(-1, 1, (count, 16, 16, 1)).astype("float32")}


def test_the_three_losses_in_numpy(rng):
    model, batch = vae(kl_weight=3.0), pairs(rng)
    head = model.encoder.get_layer("mean_and_log_variance")
    head.set_weights([rng.normal(0, 0.2, w.shape) for w in head.get_weights()])
    batch = {name: ops.convert_to_tensor(value) for name, value in batch.items()}
    mean, log_variance = (ops.convert_to_numpy(t) for t in model.posterior(batch["views"], False))
    seed = keras.random.SeedGenerator(model.seed)
    noise = ops.convert_to_numpy(keras.random.normal((8, 3), dtype="float32", seed=seed))
    made = ops.convert_to_numpy(model.generator(mean + np.exp(log_variance / 2) * noise, training=False))
    terms = {name: float(value) for name, value in model.encoder_loss(batch).items()}
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
    distance = np.sqrt(((made - ops.convert_to_numpy(batch["shapes"])) ** 2).sum(axis=(1, 2, 3, 4))).mean()
    assert terms == pytest.approx({"divergence": 3.0 * divergence, "reconstruction": 0.5 * distance}, rel=1e-4)
    assert {"adversarial", "accuracy", "reconstruction"} == set(model.generator_loss(batch))


def test_the_order_of_the_moves_and_their_players():
    turns = vae().turns()
    assert [(m.name, m.players) for t in turns for m in t.moves] == [
        ("discriminator", ("discriminator",)), ("encoder", ("encoder",)), ("generator", ("generator",)),
    ]  # fmt: skip
    assert [t.when is not None for t in turns] == [True, False, False]
    assert [t.fresh for t in turns] == [True, False, False]


def test_reconstructions_come_from_the_mean_and_learn_to_fit(rng):
    # Two shapes, two views: an encoder that sees which is which halves the distance.
    shapes = np.zeros((2, *SHAPE), "int8")
    shapes[0, :4], shapes[1, :, :, 5:] = 1, 1
    data = {"shapes": shapes.repeat(8, axis=0), "views": kgan.shapes.views(shapes, 16).repeat(8, axis=0)}
    keras.utils.set_random_seed(0)
    model = vae(kl_weight=0.01)
    model.compile({"encoder": keras.optimizers.Adam(5e-3), "generator": keras.optimizers.Adam(5e-3)})
    many = {name: np.concatenate([value] * 25) for name, value in data.items()}
    model.fit(many, batch_size=16, verbose=0)
    kgan.layers.estimate_statistics(model.encoder, [data["views"]])
    views = data["views"][[0, 8]]
    np.testing.assert_array_equal(model.reconstruct(views), model.reconstruct(views))
    np.testing.assert_allclose(model.reconstruct(views), model.predict(model.encode(views), verbose=0), atol=1e-5)
    assert kgan.shapes.voxel_iou(model.reconstruct(views), shapes, 0.4).mean() > 0.6


def test_vae_data_must_be_pairs(rng):
    model = vae()
    model.compile()
    for wrong, message in (
        (pairs(rng)["shapes"], "must be a dict"),
        ({"shapes": pairs(rng)["shapes"]}, "must be a dict"),
        ({**pairs(rng), "views": np.full((8, 16, 16, 1), 200.0, "float32")}, r"\[-1, 1\]"),
        ({**pairs(rng), "shapes": -np.ones((8, *SHAPE), "int8")}, r"\[0, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(wrong, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match="kl_weight"):
        vae(kl_weight=-1.0)
    with pytest.raises(ValueError, match="encoder"):
        kgan.ThreeDVAEGAN(SHAPE, encoder=volumetric.image_encoder((32, 32, 1), 5, 2), filters=2, latent_size=3)
