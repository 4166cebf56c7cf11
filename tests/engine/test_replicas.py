"""Two replicas compute what one would, on noise of their own."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import Consensus, Turn
from tests.games import Bilinear, ones, sgd, strategy

pytestmark = pytest.mark.only("tensorflow")


def trained(build, data, batch_size, replicas, **kwargs):
    keras.utils.set_random_seed(5)
    with strategy().scope() if replicas == 2 else contextlib.nullcontext():
        model = build()
        model.compile(**{name: value() if callable(value) else value for name, value in kwargs.items()})
    return model, model.fit(data, batch_size=batch_size, shuffle=False, verbose=0).history


def constant_latents(model):
    """Every example gets one latent, so that halves of a batch and the whole see the same distribution."""
    model.prior = lambda shape, seed=None: ops.tile(ops.linspace(-1.0, 1.0, shape[1])[None], (shape[0], 1))
    return model


def plain_gan(**kwargs):
    def build():
        generator = kgan.networks.mlp.generator((2,), 3, (8,))
        discriminator = kgan.networks.mlp.discriminator((2,), (8,), normalizer=kgan.layers.SpectralNormalization)
        return constant_latents(kgan.GAN((2,), generator=generator, discriminator=discriminator, seed=0, **kwargs))

    return build


def points(count=64):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


def assert_close(a, b, tolerance=1e-5):
    for x, y in zip(a.weights, b.weights, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(x), ops.convert_to_numpy(y), atol=tolerance, err_msg=x.path)


@pytest.mark.parametrize("options", [{}, {"discriminator_steps": 2}, {"penalties": [kgan.penalties.R1(1.0)]}])
def test_two_replicas_give_the_update_of_one(options):
    one, logs_one = trained(plain_gan(**options), points(), 16, 1, averages={"generator": 0.5})
    two, logs_two = trained(plain_gan(**options), points(), 16, 2, averages={"generator": 0.5})
    assert_close(one, two)
    for key, values in logs_one.items():
        np.testing.assert_allclose(values, logs_two[key], atol=1e-4, err_msg=key)


def test_a_minibatch_that_replicas_cannot_share_is_refused():
    with pytest.raises(ValueError, match="2 replicas"):
        trained(plain_gan(), points(), 15, 2)


def test_gates_projections_and_consensus_over_replicas():
    def gated():
        return Bilinear(
            turns_of=lambda m: (Turn((m.d_move(project=lambda w: ops.clip(w, -0.7, 0.7)),), every=2), Turn((m.g_move(),)))
        )

    def consensus():
        return Bilinear(turns_of=lambda m: (Turn((m.d_move(), m.g_move()), rule=Consensus(1.0)),))

    data = ones(64) * np.arange(64, dtype="float32")[:, None] / 32
    for build in (gated, consensus):
        one, two = (
            trained(build, data, 8, n, optimizers=lambda: {"discriminator": keras.optimizers.Adam(0.1)})[0] for n in (1, 2)
        )
        assert_close(one, two)


def test_batch_normalization_is_synchronized():
    def build():
        generator = kgan.networks.mlp.generator((2,), 3, (8,))
        x = inputs = keras.Input((2,))
        x = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(4, name="hidden")(x))
        discriminator = keras.Model(inputs, keras.layers.Dense(1, name="logit")(x), name="discriminator")
        return constant_latents(kgan.GAN((2,), generator=generator, discriminator=discriminator, seed=0))

    # Plain descent: Adam would blow the rounding of gradients that are 0 up to full steps.
    one, two = (trained(build, points(), 16, n, optimizers=lambda: sgd("discriminator", "generator"))[0] for n in (1, 2))
    assert_close(one, two)
    two.prior = kgan.priors.Normal()
    assert two.get_config()["discriminator"]["config"]["layers"][2]["config"]["synchronized"] is False


def test_replicas_draw_distinct_noise_dropout_included_and_keep_equal_weights():
    drawn = []

    class Recording(kgan.GAN):
        def sample(self, count):
            latents = self.generator_inputs(count, seed=self.seed_generator)
            import tensorflow as tf

            tf.py_function(lambda z: drawn.append(z.numpy().mean()), [latents], [])
            return self.generator(latents, training=self.in_training)

    def build():
        discriminator = kgan.networks.mlp.discriminator((2,), (8,), dropout=0.5)
        return Recording((2,), latent_size=3, discriminator=discriminator, seed=0)

    model, _ = trained(build, points(), 16, 2)
    drawn = drawn[-16:]
    assert len(set(np.round(drawn, 9))) == len(drawn), "replicas or steps share their noise"
    for variable in model.variables:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)


def test_dropout_masks_differ_between_replicas():
    masks = []

    class Masks(Bilinear):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dropout = keras.layers.Dropout(0.5, seed=1, name="dropout")
            self.dropout.build((None, 64))

        def value(self, x):
            mask = self.dropout(ops.ones((1, 64)), training=self.in_training)
            import tensorflow as tf

            tf.py_function(lambda m: masks.append(tuple(m.numpy().ravel())), [mask], [])
            return super().value(x) * ops.mean(mask)

    trained(Masks, ones(16), 8, 2)
    assert len(set(masks[-8:])) == 8  # two rounds of two moves on two replicas; the dry run came before


def test_mixed_float16_over_replicas_keeps_the_copies_equal():
    keras.config.set_dtype_policy("mixed_float16")
    model, logs = trained(plain_gan(), points(), 16, 2)
    assert np.isfinite([v for values in logs.values() for v in values]).all()
    for variable in [*model.variables, *model.optimizer.variables]:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)


def test_evaluation_and_generation_under_a_strategy():
    model, _ = trained(plain_gan(), points(), 16, 2, metrics=[kgan.metrics.ModesCovered(kgan.datasets.ring(stddev=1.0))])
    result = model.evaluate(points(), batch_size=16, verbose=0, return_dict=True)
    assert result["modes"] >= 1
    assert model.generate(5, seed=0).shape == (5, 2)
