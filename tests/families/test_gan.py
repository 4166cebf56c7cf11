"""What is particular to the two-player families: arguments, networks, settings."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.families.sngan import SETTINGS, Setting
from kgan.layers import SpectralNormalization
from kgan.networks import dcgan, mlp, sn_cnn, sn_resnet
from tests.conformance.rows import compiled
from tests.conformance.specs import SPECS

pytestmark = pytest.mark.only("tensorflow")  # shapes and arguments; the conformance suite runs the families everywhere


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "tuple of positive integers"),
        ({"data_shape": (2,), "latent_size": 0}, "latent_size"),
        ({"data_shape": (2,), "discriminator_steps": 0}, "discriminator_steps"),
        ({"data_shape": (2,), "objective": "wgan"}, "Unknown objective"),
        ({"data_shape": (2,), "simultaneous": True, "discriminator_steps": 2}, "simultaneous"),
        ({"data_shape": (3,), "generator": lambda: mlp.generator((2,), 4)}, "makes examples of shape"),
        ({"data_shape": (2,), "generator": lambda: mlp.generator((2,), 4), "latent_size": 5}, "takes latents of 4"),
        ({"discriminator": lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])}, "one logit"),
    ],
)
def test_contradictory_arguments_are_refused(arguments, message):
    arguments = {k: v() if callable(v) else v for k, v in arguments.items()}
    with pytest.raises(ValueError, match=message):
        kgan.GAN(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": "vit"}, "architecture"),
        ({"setting": "G"}, "setting"),
        ({"image_shape": (30, 30, 3)}, "multiple of 4"),
        ({"image_shape": (40, 40, 3), "architecture": "resnet"}, "exist for images of"),
        ({"width": 0.0}, "width"),
        ({"image_shape": (32, 16, 3)}, "size, size"),
    ],
)
def test_sngan_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.SNGAN(**arguments)


def test_dropout_before_each_layer_of_a_discriminator_of_images_alone():
    def rates(shape):
        return [layer.rate for layer in kgan.GAN(shape, seed=0).discriminator.layers if isinstance(layer, keras.layers.Dropout)]

    assert rates((8, 8, 1)) == [0.3] * 2
    assert rates((2,)) == []


@pytest.mark.parametrize(("size", "halvings"), [(8, 1), (12, 1), (16, 2), (32, 3), (48, 3)])
def test_small_pictures_have_fewer_halvings_down_to_maps_of_4x4(size, halvings):
    """Convolutions of 3x3 see little in maps that are smaller; the widest maps are those that are left out."""
    model = kgan.SNGAN((size, size, 1), width=0.05, seed=0)
    base = size // 2**halvings
    assert base >= 4
    (reshape,) = (layer for layer in model.generator.layers if isinstance(layer, keras.layers.Reshape))
    assert tuple(reshape.output.shape[1:3]) == (base, base)
    wrapped = [layer.layer for layer in model.discriminator.layers if isinstance(layer, SpectralNormalization)]
    assert len([layer for layer in wrapped if isinstance(layer, keras.layers.Conv2D)]) == 2 * halvings + 1
    assert sum(layer.strides == (2, 2) for layer in wrapped[:-1]) == halvings


def test_the_paper_s_cifar_network_by_default():
    model = kgan.SNGAN()
    wrapped = [layer for layer in model.discriminator.layers if isinstance(layer, SpectralNormalization)]
    assert [layer.layer.filters for layer in wrapped[:-1]] == [64, 64, 128, 128, 256, 256, 512]
    assert [layer.layer.kernel_size[0] for layer in wrapped[:-1]] == [3, 4, 3, 4, 3, 4, 3]
    assert not [layer for layer in model.discriminator.layers if hasattr(layer, "kernel") and layer not in wrapped]
    assert not [layer for layer in model.generator.layers if isinstance(layer, SpectralNormalization)]
    assert (model.objective, model.latent_size, model.image_shape) == (kgan.objectives.hinge, 128, (32, 32, 3))
    kernel = ops.convert_to_numpy(wrapped[-2].kernel)
    assert kernel.std() == pytest.approx(0.02, rel=0.05)


def test_settings_are_the_table():
    assert SETTINGS["A"] == (1e-4, 0.5, 0.9, 5)
    assert SETTINGS["B"] == (1e-4, 0.5, 0.999, 1)
    assert SETTINGS["C"] == (2e-4, 0.5, 0.999, 1)
    assert SETTINGS["D"] == (1e-3, 0.5, 0.9, 5)
    assert SETTINGS["E"] == (1e-3, 0.5, 0.999, 5)
    assert SETTINGS["F"] == (1e-3, 0.9, 0.999, 5)
    assert SETTINGS["resnet"] == (2e-4, 0.0, 0.9, 5)
    model = kgan.SNGAN((8, 8, 1), width=0.05, setting=Setting(3e-4, 0.1, 0.2, 2))
    optimizer = model.default_optimizers()["generator"]
    assert (float(optimizer.learning_rate), optimizer.beta_1, model.discriminator_steps) == (pytest.approx(3e-4), 0.1, 2)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert twin.default_optimizers()["generator"].beta_2 == 0.2


@pytest.mark.parametrize(("size", "blocks"), [(8, 2), (16, 3), (32, 4), (48, 5), (128, 6)])
def test_residual_networks_of_every_size(size, blocks):
    shape = (size, size, 3)
    generator, discriminator = sn_resnet.generator(shape, 8, 1 / 64), sn_resnet.discriminator(shape, 1 / 64)
    assert generator.output_shape == (None, *shape)
    assert discriminator.output_shape == (None, 1)
    assert sum(isinstance(layer, keras.layers.Add) for layer in discriminator.layers) == blocks
    assert not discriminator.get_layer("logit").use_bias


def test_standard_networks_of_48_pixels_and_the_published_variant():
    assert sn_cnn.generator((48, 48, 3), 8, 0.1).output_shape == (None, 48, 48, 3)
    code = sn_cnn.discriminator((32, 32, 3), variant="code")
    assert [code.get_layer(f"conv_{i}").filters for i in range(7)] == [64, 128, 128, 256, 256, 512, 512]


def test_dcgan_structure():
    generator, discriminator = dcgan.generator((16, 16, 1), 8, 4), dcgan.discriminator((16, 16, 1), 4)
    images = ops.convert_to_numpy(generator(np.random.default_rng(0).normal(size=(4, 8)).astype("float32")))
    assert images.shape == (4, 16, 16, 1)
    assert np.abs(images).max() <= 1
    assert not [v for v in generator.weights + discriminator.weights if v.path.endswith("bias")]
    names = [layer.name for layer in discriminator.layers]
    assert "down_0_norm" not in names
    assert "down_1_norm" in names
    assert "output_norm" not in [layer.name for layer in generator.layers]
    with pytest.raises(ValueError, match="power of two"):
        dcgan.generator((24, 24, 1))


def test_the_transposed_convolution_of_dcgan_is_the_adjoint_of_its_convolution(rng):
    """<conv(x), y> = <x, deconv(y)> with one kernel: exact padding on both sides."""
    down = keras.layers.Conv2D(3, 5, 2, use_bias=False)
    up = dcgan.SymmetricConv2DTranspose(2, 5, 2, use_bias=False)
    x, y = rng.normal(size=(1, 8, 8, 2)).astype("float32"), rng.normal(size=(1, 4, 4, 3)).astype("float32")
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    forward = ops.convert_to_numpy(down(padded))
    up.build(y.shape)
    up.kernel.assign(down.kernel)
    backward = ops.convert_to_numpy(up(y))
    assert backward.shape == x.shape
    assert (forward * y).sum() == pytest.approx((x * backward).sum(), rel=1e-4)


def test_joint_and_separate_passes_agree_without_batch_statistics():
    def logits(joint):
        keras.utils.set_random_seed(2)
        model = kgan.GAN((2,), latent_size=3, joint_batch=joint, seed=0)
        real, fake = np.ones((4, 2), "float32"), ops.convert_to_tensor(np.zeros((4, 2), "float32"))
        scored = model.score_both(ops.convert_to_tensor(real), fake)
        return [ops.convert_to_numpy(t) for t in (scored.real_logits, scored.fake_logits)]

    for a, b in zip(logits(True), logits(False), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_generator_batch_doubles_the_generated_examples():
    counts = []

    class Counting(kgan.GAN):
        def generated(self, count):
            counts.append(count)
            return super().generated(count)

    model = Counting((2,), latent_size=3, generator_batch=2, seed=0)
    model.compile(run_eagerly=True)
    model.fit(np.ones((8, 2), "float32"), batch_size=8, verbose=0)
    assert set(counts) == {8, 16}


def test_priors():
    draws = ops.convert_to_numpy(kgan.priors.Uniform(-2.0, 2.0)((10_000,), seed=0))
    assert draws.var() == pytest.approx(16 / 12, rel=0.05)
    assert ops.convert_to_numpy(kgan.priors.Normal(1.0, 3.0)((10_000,), seed=0)).std() == pytest.approx(3.0, rel=0.05)
    with pytest.raises(ValueError, match="low"):
        kgan.priors.Uniform(1.0, 1.0)
    with pytest.raises(ValueError, match="stddev"):
        kgan.priors.Normal(stddev=0.0)


def one_row_each():
    """A row of every family that takes `instance_noise`."""
    rows = {}
    for name, spec in SPECS.items():
        if issubclass(spec.family, kgan.GAN) and "instance_noise" not in spec.family.fixed_arguments:
            rows.setdefault(spec.family, name)
    return rows.values()


@pytest.mark.parametrize("name", one_row_each())
def test_instance_noise_reaches_every_discriminator(name):
    """In both players' moves, from equal draws: little noise against much."""
    spec, found = SPECS[name], []
    for level in (1e-6, 2.0):
        model = compiled(spec, run_eagerly=True)
        model.instance_noise = level
        data = keras.utils.pack_x_y_sample_weight(*spec.data(6))
        minibatch = model.unpack(keras.tree.map_structure(ops.convert_to_tensor, data))
        with kgan.backend.no_gradient(), model._play.point(training=True), kgan.backend.Overlay(moving=frozenset()) as overlay:
            moves = [
                model._play.moves[m] for m in ("discriminator", "generator" if "generator" in model._play.moves else "encoder")
            ]
            losses = [model._play.loss_terms(move, minibatch, overlay)[0] for move in moves]
        found.append([[float(term) for term in terms.values()] for terms in losses])
    assert all(a != b for a, b in zip(*found, strict=True)), found


def test_two_penalties_of_one_name_are_two_terms(rng):
    penalties = [kgan.penalties.R1(1.0), kgan.penalties.R1(2.0)]
    model = kgan.GAN((2,), latent_size=3, penalties=penalties, seed=0)
    model.compile(run_eagerly=True)
    logs = model.fit(rng.normal(size=(8, 2)).astype("float32"), batch_size=8, verbose=0).history
    first, second = logs[f"discriminator/{penalties[0].name}"], logs[f"discriminator/{penalties[0].name}_2"]
    assert second[0] == pytest.approx(2 * first[0], rel=1e-5)
    assert first[0] > 0


def test_latents_of_points_are_as_many_as_their_numbers():
    """128 of them for two numbers make a game that falls into one mode of the ring."""
    assert [kgan.GAN((n,)).latent_size for n in (1, 2, 50, 500)] == [2, 2, 50, 128]
    assert kgan.GAN((2,), latent_size=7).latent_size == 7
    assert kgan.GAN(discriminator=kgan.networks.mlp.discriminator((3,))).latent_size == 3
    assert kgan.GAN((8, 8, 1)).latent_size == 128
    assert kgan.UnrolledGAN((2,)).latent_size == 256  # the paper's, on the ring
