"""What is particular to DCGAN, WGAN, WGANGP, DRAGAN and ImprovedGAN: networks, schedules, arguments."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import objectives
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.networks import improved, mlp

pytestmark = pytest.mark.only("tensorflow")  # shapes and arguments; the conformance suite runs the families everywhere


def of_kind(network, *kinds):
    return [layer for layer in network.layers if isinstance(layer, kinds)]


# DCGAN --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["code", "torch"])
def test_the_published_dcgan(variant):
    """Table of the 64x64 networks at an eighth of their width: shapes, biases, normalization, initialization."""
    model = kgan.DCGAN((64, 64, 3), filters=16, variant=variant)
    generator, discriminator = model.generator, model.discriminator
    maps = [tuple(generator.get_layer(f"up_{i}").output.shape[1:]) for i in (1, 2, 3)]
    assert maps == [(8, 8, 64), (16, 16, 32), (32, 32, 16)]
    assert generator.get_layer("project").units == 4 * 4 * 128
    assert [tuple(discriminator.get_layer(f"down_{i}").output.shape[1:]) for i in range(4)] == [
        (32, 32, 16), (16, 16, 32), (8, 8, 64), (4, 4, 128),
    ]  # fmt: skip
    for network in (generator, discriminator):
        linear = of_kind(network, layers.Dense, layers.Conv2D, layers.Conv2DTranspose)
        assert not any(layer.use_bias for layer in linear)
        for layer in linear:
            assert ops.convert_to_numpy(layer.kernel).std() == pytest.approx(0.02, rel=0.05), layer.name
    names = {layer.name for layer in of_kind(generator, layers.BatchNormalization)}
    assert names == {"project_norm", "up_1_norm", "up_2_norm", "up_3_norm"}
    # Per unit in the authors' code, per map in the port.
    assert generator.get_layer("project_norm").gamma.shape == ((4 * 4 * 128,) if variant == "code" else (128,))
    names = {layer.name for layer in of_kind(discriminator, layers.BatchNormalization)}
    assert names == {"down_1_norm", "down_2_norm", "down_3_norm"}
    images = model.generate(2, seed=0)
    assert images.shape == (2, 64, 64, 3)
    assert np.abs(images).max() <= 1


def test_dcgan_draws_uniform_latents_and_its_decay_is_half_the_square():
    model = kgan.DCGAN((8, 8, 1), filters=2, latent_size=500, weight_decay=0.5, seed=0)
    z = ops.convert_to_numpy(model.generator_inputs(100, seed=1))
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() <= 1
    expected = 0.25 * sum(float((v.numpy() ** 2).sum()) for v in model.generator.trainable_variables)
    assert float(model._decay(model.generator)["weight_decay"]) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="4 times a power of two"):
        kgan.DCGAN((24, 24, 1))


# WGAN ---------------------------------------------------------------------------------------------------------------


def critic_steps_of_the_published_loop(first, every, steps, normal, moves):
    """How many critic steps precede each generator move."""
    return [steps if g < first or g % every == 0 else normal for g in range(moves)]


@pytest.mark.parametrize("warmup", [(3, 5, 8), (2, 2, 4), (1, 7, 2)])
def test_the_warm_up_is_that_of_the_published_loop(warmup):
    model = kgan.WGAN(
        generator=mlp.generator((2,), 2, (4,)), discriminator=mlp.discriminator((2,), (4,)), discriminator_steps=2, warmup=warmup
    )
    model.compile()
    waited, found = 0, []
    for played in range(60):
        model.optimizer.iterations.assign(played)
        waited += 2
        if bool(model.generator_due()):
            found.append(waited)
            waited = 0
    assert found == critic_steps_of_the_published_loop(*warmup, 2, len(found))


def test_every_weight_of_the_critic_is_clipped_from_the_start_and_the_generator_is_not():
    model = kgan.WGAN((16, 16, 1), filters=2, latent_size=4, warmup=None, seed=0)
    assert max(np.abs(v.numpy()).max() for v in model.discriminator.trainable_variables) > 0.01
    model.compile(optimizers={"discriminator": keras.optimizers.RMSprop(0.1)})
    images = np.random.default_rng(0).uniform(-1, 1, (160, 16, 16, 1)).astype("float32")
    moving = [v.numpy() for v in model.discriminator.non_trainable_variables]
    for trained in (False, True):
        if trained:
            model.fit(images, batch_size=16, verbose=0)
        weights = [v.numpy() for v in model.discriminator.trainable_variables]
        assert max(np.abs(w).max() for w in weights) <= 0.01 * 1.000001
    assert max(np.abs(v.numpy()).max() for v in model.generator.trainable_variables) > 0.01
    # Moving statistics move, and are not clipped.
    assert any(np.abs(a - v.numpy()).max() > 0 for a, v in zip(moving, model.discriminator.non_trainable_variables, strict=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kgan.WGAN((8, 8, 1), clip=0.0), "clip"),
        (lambda: kgan.WGAN((8, 8, 1), warmup=(5, 3, 100)), "warmup"),
        (lambda: kgan.WGANGP((8, 8, 1), architecture="vit"), "architecture"),
        (
            lambda: kgan.WGANGP(discriminator=mlp.discriminator((2,)), generator=mlp.generator((2,), 2), consistency=2.0),
            "dropout",
        ),
        (lambda: kgan.DRAGAN((8, 8, 1), region="gaussian"), "variance"),
        (lambda: kgan.DRAGAN((8, 8, 1), region="ball"), "region"),
        (lambda: kgan.DRAGAN(discriminator=kgan.networks.dcgan.discriminator((16, 16, 1), 2)), "BatchNormalization"),
        (lambda: kgan.ImprovedGAN((4,), classes=1), "classes"),
        (lambda: kgan.ImprovedGAN((4,), classes=3, discriminator=mlp.discriminator((4,))), "needs 3"),
        (lambda: kgan.ImprovedGAN((4,), generator_steps=0), "generator_steps"),
        (lambda: kgan.ImprovedGAN(), "tuple of positive integers"),
        (lambda: kgan.ProGAN((24, 24, 1)), "power of two"),
        (lambda: kgan.ProGAN((8, 8, 1), start_resolution=16), "start_resolution"),
        (lambda: kgan.ProGAN((8, 8, 1), images_per_phase=0), "images_per_phase"),
    ],
)
def test_contradictory_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# WGANGP -------------------------------------------------------------------------------------------------------------


def test_the_published_critics_of_wgan_gp():
    model = kgan.WGANGP((32, 32, 3), width=0.0625)
    critic = model.discriminator
    assert not of_kind(critic, layers.BatchNormalization)
    assert of_kind(critic, layers.GlobalAveragePooling2D)
    assert critic.layers[-1].use_bias
    assert model.generator.get_layer("project").units == 4 * 4 * 8
    assert model.generator_batch == 2
    with_dropout = kgan.WGANGP((32, 32, 3), width=0.0625, consistency=2.0).discriminator
    assert [layer.rate for layer in of_kind(with_dropout, layers.Dropout)] == [0.2, 0.5, 0.5]


def test_further_penalties_survive_the_configuration():
    model = kgan.WGANGP((8, 8, 1), architecture="dcgan", width=0.02, consistency=1.0, penalties=[kgan.penalties.Drift(0.5)])
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert [p.name for p in twin.all_penalties] == ["gradient_penalty", "consistency", "drift"]
    assert [p.weight for p in twin.penalties] == [0.5]


# ImprovedGAN --------------------------------------------------------------------------------------------------------


def semi(**kwargs):
    return kgan.ImprovedGAN(
        (4,),
        classes=3,
        generator=improved.perceptron_generator((4,), 5, (6,)),
        discriminator=improved.perceptron_classifier((4,), 3, (8,), (0.1, 0.1)),
        seed=0,
        **kwargs,
    )


def test_the_published_networks_of_improved_gan():
    network = improved.classifier((32, 32, 3), 10, 12, minibatch_kernels=5)
    convolutions = [layer for layer in network.layers if layer.name.startswith("conv_")]
    assert [layer.output.shape[1:3] for layer in convolutions] == [(32, 32)] * 2 + [(16, 16)] * 3 + [(8, 8)] + [(6, 6)] * 3
    assert network.output_shape == (None, 10)
    assert network.get_layer("minibatch").output.shape[-1] == 24 + 5
    classifier = improved.perceptron_classifier((784,), 10)
    noises = [layer.stddev for layer in of_kind(classifier, layers.GaussianNoise)]
    assert noises == [0.3, 0.5, 0.5, 0.5, 0.5, 0.5]
    with pytest.raises(ValueError, match="noise"):
        improved.perceptron_classifier((784,), 10, noise=(0.3,))


def test_the_matched_layer_is_the_last_hidden_one_before_its_noise():
    model = kgan.ImprovedGAN((6,), classes=2, latent_size=3)
    assert model.feature_layer == "activation_4"


def test_semi_supervised_data_and_classification():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4)).astype("float32")
    y = np.arange(90) % 3
    x += np.eye(4, dtype="float32")[y] * 8
    data, labels = kgan.datasets.semi_supervised(x, y, labels_per_class=4, seed=1)
    assert {len(v) for v in (*data.values(), labels)} == {90}
    labeled = {tuple(row) for row in data["labeled"]}
    assert len(labeled) == 12
    counts = [sum((row == data["labeled"][i]).all() for i in range(90)) for row in np.unique(data["labeled"], axis=0)]
    assert max(counts) - min(counts) <= 1
    with pytest.raises(ValueError, match="fewer than"):
        kgan.datasets.semi_supervised(x, y, labels_per_class=31)
    model = semi()
    model.compile(
        optimizers={m: keras.optimizers.Adam(1e-2, 0.5) for m in ("discriminator", "generator")}, averages={"discriminator": 0.9}
    )
    model.fit(data, labels, batch_size=15, epochs=40, verbose=0)
    probabilities = model.classify(x, batch_size=32)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert (probabilities.argmax(axis=1) == y).mean() > 0.9
    raw = ops.convert_to_numpy(ops.softmax(model.discriminator(x)))
    assert np.abs(raw - probabilities).max() > 1e-6  # the average is used
    held_out = model.evaluate({"unlabeled": x, "labeled": x}, y, batch_size=30, verbose=0, return_dict=True)
    assert held_out["discriminator/accuracy"] > 0.9


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full(32, 3), "Labels must be integers"),
        (np.full(32, -1), "Labels must be integers"),
        (np.full(32, 0.5), "dtype float64"),
        (np.zeros((32, 1), "int64"), "one class an example"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message):
    model = semi()
    model.compile()
    x = np.zeros((32, 4), "float32")
    with pytest.raises(ValueError, match=message):
        model.fit({"unlabeled": x, "labeled": x}, labels, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="semi_supervised"):
        model.fit(x, labels, batch_size=8, verbose=0)


def test_an_unsupervised_model_does_not_classify():
    with pytest.raises(ValueError, match="classes"):
        kgan.ImprovedGAN((4,), latent_size=3).classify(np.zeros((1, 4), "float32"))


class Clusters(SemiSupervised):
    """Several logits, and nobody who says which is whose."""

    uses_labels = False

    def __init__(self, data_shape, classes, **kwargs):
        super().__init__(data_shape, discriminator=mlp.discriminator(data_shape, (8,), outputs=classes), **kwargs)
        self.set_classes(classes)

    def score(self, examples):
        return objectives.realness(super().score(examples))

    def class_logits(self, examples):
        return self.discriminator(examples, training=False)


def test_a_classifier_may_learn_without_labels():
    model = Clusters((4,), classes=3, latent_size=2, seed=0)
    model.compile(run_eagerly=True)
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    assert model.unlabeled(x) is x
    logs = model.fit(x, np.full(32, 7), batch_size=16, verbose=0).history  # labels beside the examples are ignored
    assert "discriminator/supervised" not in logs
    np.testing.assert_allclose(model.classify(x).sum(axis=1), np.ones(32), atol=1e-5)
    assert model.classify(x).shape == (32, 3)
    with pytest.raises(ValueError, match="returns 3 logits per example; classes=None needs 1"):
        model.set_classes(None)


def test_feature_matching_sees_a_second_minibatch_and_the_objective_does_not_need_one():
    for matching, minibatches in ((True, 2), (False, 1)):
        model = semi(feature_matching=matching)
        model.compile()
        assert model._play.per_round == minibatches


def test_two_time_scales_are_one_argument():
    """Two learning rates and one discriminator step: the two time-scale update rule, with any family."""
    model = kgan.WGANGP((8, 8, 1), architecture="dcgan", width=0.02, discriminator_steps=1)
    model.compile(optimizers={"discriminator": keras.optimizers.Adam(3e-4, 0.0), "generator": keras.optimizers.Adam(1e-4, 0.0)})
    rates = {move: float(model.optimizer[move].learning_rate) for move in ("discriminator", "generator")}
    assert rates == pytest.approx({"discriminator": 3e-4, "generator": 1e-4})


@pytest.mark.parametrize("family", [kgan.WGAN, kgan.WGANGP, kgan.DRAGAN])
def test_points_get_the_toy_networks(family):
    model = family((2,), latent_size=3)
    assert [layer.units for layer in of_kind(model.discriminator, layers.Dense)] == [512, 512, 512, 1]
    assert model.generate(3, seed=0).shape == (3, 2)


def test_the_consistency_term_of_a_classifier_sees_realness():
    model = semi(penalties=[kgan.penalties.Consistency()])
    logits, features = model.score_with_features(np.zeros((3, 4), "float32"))
    assert logits.shape == (3, 1)
    assert features.shape == (3, 8)


def test_a_joint_batch_beside_batch_statistics_is_warned_of():
    with pytest.warns(UserWarning, match="collapses"):
        kgan.DCGAN((16, 16, 1), filters=2, joint_batch=True)


def test_the_published_minibatches_of_progan_fit_its_groups():
    model = kgan.ProGAN((8, 8, 1), base_maps=8, max_maps=4)
    for count in (3, 6, 14, 16):
        assert model.discriminator(np.zeros((count, 8, 8, 1), "float32")).shape == (count, 1)


def test_clipping_in_the_table_spares_the_dense_layer():
    from benchmarks import sngan_rows as sngan_table

    convolutional = sngan_table.discriminator("weight clipping", (8, 8, 1), "cnn", 0.05)
    assert convolutional.get_layer("conv_0").kernel_constraint is not None
    assert convolutional.get_layer("logit").kernel_constraint is None
    dense = sngan_table.discriminator("weight clipping", (64,), "dense")
    assert dense.get_layer("logit").bias_constraint is not None
