"""RenderGAN: labels belong to their pictures, no label changes for its picture's looks, penalties belong to the generator."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.networks import rendered
from tests.conformance.specs import SPECS

TAG = {"size": 16, "radii": (5, 6)}


def small(model=None, **kwargs):
    return kgan.RenderGAN(model or kgan.layers.TagRenderer(**TAG), **{"noise_size": 3, "filters": 2, "seed": 0, **kwargs})


def latents(model, count=4):
    return model.generator_inputs(count, seed=1)


def test_bits_of_the_model_are_those_of_the_game():
    for bits, labels in ((8, None), (14, 20)):
        with pytest.raises(ValueError, match=f"renders {bits} bits"):
            kgan.RenderGAN(kgan.layers.TagRenderer(bits=bits), labels=labels)
    with pytest.raises(ValueError, match="does not take labels"):
        kgan.RenderGAN(kgan.layers.TagRenderer(), labels=20)


def test_labels_belong_to_pictures():
    model = small()
    images, bits, pose = model.labeled(6, seed=2, batch_size=4)
    np.testing.assert_allclose(images, model.generate(6, seed=2), atol=1e-5)
    assert np.abs(images).max() <= 1.0
    made = model.generator.render(model.generator_inputs(6, seed=2))
    np.testing.assert_array_equal(bits, ops.convert_to_numpy(made.labels)[:, :12] > 0)
    np.testing.assert_allclose(pose, ops.convert_to_numpy(made.labels)[:, 12:], atol=1e-6)
    again = kgan.layers.TagRenderer(**TAG)(np.concatenate([2.0 * bits - 1.0, pose], axis=1).astype("float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(again[0]), ops.convert_to_numpy(made.tag), atol=1e-5)


@keras.saving.register_keras_serializable("tests")
class Constant(keras.layers.Layer):
    def __init__(self, value, shape, **kwargs):
        super().__init__(**kwargs)
        self.value, self.shape = value, tuple(shape)

    def call(self, x):
        return self.value * ops.ones((ops.shape(x)[0], *self.shape), x.dtype)

    def compute_output_shape(self, shape):
        return (shape[0], *self.shape)


def constant(inputs, **outputs):
    made = [Constant(*spec, name=name)(inputs[0]) for name, spec in outputs.items()]
    return keras.Model(inputs, made[0] if len(made) == 1 else made)


PICTURE, SMALL = (16, 16, 1), (4, 4, 1)


def test_changes_that_do_nothing_leave_the_tag():
    """Amount 0, lights 1, 1, 0, no detail: what is left of the chain is the tag on its background."""
    quarters = [keras.Input(SMALL) for _ in range(2)]
    middle = [*quarters, keras.Input(PICTURE), keras.Input((8, 8, 1)), *(keras.Input(PICTURE) for _ in range(3))]
    generator = rendered.RenderingGenerator(
        kgan.layers.TagRenderer(**TAG),
        constant([keras.Input((3,)), keras.Input((6,))], maps=(0.0, SMALL)),
        constant(quarters, white=(1.0, PICTURE), black=(1.0, PICTURE), shift=(0.0, PICTURE)),
        constant(middle, amount=(0.0, (1,)), background=(0.25, PICTURE), maps=(0.0, PICTURE)),
        constant([keras.Input(PICTURE) for _ in range(8)], detail=(0.0, PICTURE)),
    )
    made = generator.render(np.random.default_rng(0).uniform(-1, 1, (3, 21)).astype("float32"))
    tag, mask = ops.convert_to_numpy(made.tag), ops.convert_to_numpy(kgan.layers.GaussianBlur(0.66)(made.mask))
    np.testing.assert_allclose(ops.convert_to_numpy(made.stages[1]), tag, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(made.stages[-1]), tag * (1 - mask) + 0.25 * mask, atol=1e-5)


def gradient_of_latents(model, part):
    def total(t):
        return ops.sum(ops.square(part(model.generator.render(t[0])))), None

    (gradient,) = backend.value_and_gradients(total, [latents(model)])[1]
    return ops.convert_to_numpy(gradient)


def test_no_label_follows_the_looks_and_a_pose_goes_through_the_model():
    tag = gradient_of_latents(small(), lambda made: made.tag)
    assert not tag[:, :12].any()
    assert (np.abs(tag[:, 12:18]).max(axis=0) > 0).all()
    # Of a model that always renders the same, only what networks add is left: neither bits nor pose get a gradient from it.
    same = constant([keras.Input((18,))], tag=(0.5, PICTURE), mask=(0.5, PICTURE), depth=(0.0, SMALL))
    looks = gradient_of_latents(small(same, filters=6), lambda made: made.stages[-1])
    assert not looks[:, :18].any()
    assert np.abs(looks[:, 18:]).max() > 0


def test_looks_are_told_the_pose_and_not_the_bits():
    """Of a model that always renders the same, pictures of other bits are the same; of another pose they are not."""
    same = constant([keras.Input((18,))], tag=(0.5, PICTURE), mask=(0.5, PICTURE), depth=(0.0, SMALL))
    model = small(same, filters=6)
    z = ops.convert_to_numpy(latents(model))
    pictures, bits, pose = (
        ops.convert_to_numpy(model.generator(z * sign))
        for sign in (1.0, np.repeat([-1, 1], [12, 9]), np.repeat([1, -1, 1], [12, 6, 3]))
    )
    np.testing.assert_allclose(bits, pictures, atol=1e-6)
    assert np.abs(pose - pictures).max() > 1e-3


def test_details_start_quietly_in_narrow_networks():
    """N(0, 0.05) in the authors' code: with a kernel of Glorot's they would deviate by 0.5 and more, which hides the bits."""
    model = kgan.RenderGAN(kgan.layers.TagRenderer(), filters=8, noise_size=36, seed=0)
    stages = model.generator.render(model.generator_inputs(32, seed=1), training=True).stages
    assert 0.02 < float(ops.std(stages[3] - stages[2])) < 0.35


def test_penalties_belong_to_the_generators_move_alone():
    model = small()
    model.compile(run_eagerly=True)
    logs = model.fit(SPECS["RenderGAN"].data(8)[0], batch_size=8, verbose=0).history
    assert logs["generator/regularization"][0] > 0
    assert "discriminator/regularization" not in logs


def test_an_emulator_stays_as_it_is_and_is_saved(tmp_path):
    emulator = rendered.emulator((16, 16, 1), 10, filters=2)
    assert [tuple(o.shape[1:]) for o in emulator.outputs] == [(16, 16, 1), (16, 16, 1), (4, 4, 1)]
    before = [ops.convert_to_numpy(v).copy() for v in emulator.weights]
    model = small(emulator, bits=4, pose_noise=5)
    assert model.latent_size == 4 + 5 + 3
    model.compile(run_eagerly=True)
    model.fit(SPECS["RenderGAN"].data(8)[0], batch_size=8, verbose=0)
    for old, variable in zip(before, emulator.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.generate(2, seed=0), model.generate(2, seed=0), atol=1e-6)
    assert not loaded.generator.model.trainable
    numbers = loaded.generator.pose.get_layer("numbers_norm")
    assert numbers.gamma.shape == (6,)  # at 0.25 at the start, the authors'
    # Noise is not the pose: a network predicts it.
    assert loaded.labeled(2, seed=0)[2].shape == (2, 6)


def test_refusals():
    with pytest.raises(ValueError, match="needs a `model`"):
        kgan.RenderGAN()
    with pytest.raises(ValueError, match="does not take labels"):
        small(rendered.decoder((16, 16, 1), 3), labels=18)
    with pytest.raises(ValueError, match=r"into \[tag, mask, depth\]"):
        small(kgan.networks.mlp.generator(PICTURE, 18, (2,)), labels=18)
    with pytest.raises(TypeError, match="RenderingGenerator"):
        small(generator=kgan.networks.mlp.generator((16, 16, 1), 6))
    with pytest.raises(ValueError, match="multiple of 16"):
        small(kgan.layers.TagRenderer(size=24, radii=(5, 6)))
    with pytest.raises(ValueError, match="cannot hold 12 bits"):
        small(labels=5)
