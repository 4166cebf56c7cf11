"""What is particular to InfoGAN: where the gradient of the bound goes, which codes are asked for, arguments."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.codes import Categorical, Continuous


def build(**kwargs):
    keras.utils.set_random_seed(3)
    codes = kwargs.pop("codes", [Categorical(3), Continuous(1)])
    return kgan.InfoGAN((2,), codes=codes, noise_size=2, seed=0, **kwargs)


def gradients(model, term, players, move="discriminator"):
    """The gradient of one term of a move's loss with respect to each weight of some players."""
    batch = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(8, 2)).astype("float32"))
    loss = getattr(model, f"{move}_loss")
    variables = [v for player in players for v in getattr(model, player).trainable_variables]

    def value(tensors):
        with backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()):
            return loss(batch)[term], None

    with backend.Overlay(training=True):
        found = backend.value_and_gradients(value, [backend.constant(v) for v in variables])[1]
    return {v.path: float(ops.max(ops.abs(g))) for v, g in zip(variables, found, strict=True)}


def test_the_bound_moves_the_recognizer_the_generator_and_on_demand_the_trunk():
    for trunk in (True, False):
        model = build(info_updates_trunk=trunk)
        assert min(gradients(model, "information", ["recognizer"]).values()) > 0
        felt = gradients(model, "information", ["discriminator"])
        head = [name for name in felt if "logit" in name]
        assert max(felt[name] for name in head) == 0  # the logit has no part in it
        assert (max(felt.values()) > 0) is trunk
        assert min(gradients(model, "information", ["generator"], "generator").values()) > 0
        assert max(gradients(model, "adversarial", ["recognizer"]).values()) == 0


def test_the_codes_asked_for_are_those_of_the_very_sample():
    """A generator that shows its code and a recognizer that reads it know everything; fresh codes in the loss would not."""
    codes = [Categorical(4)]
    latent = keras.Input((6,))
    show = keras.layers.Dense(4, use_bias=False, name="show")(latent)
    examples = keras.Input((4,))
    hidden = keras.layers.Dense(4, use_bias=False, name="read")(examples)
    features = keras.Input((4,))
    model = kgan.InfoGAN(
        codes=codes,
        generator=keras.Model(latent, show),
        discriminator=keras.Model(examples, keras.layers.Dense(1, name="logit")(hidden)),
        recognizer=keras.Model(features, keras.layers.Dense(4, use_bias=False, name="say")(features)),
        seed=0,
    )
    assert (model.noise_size, model.code_size, model.latent_size) == (2, 4, 6)
    model.generator.get_layer("show").kernel.assign(np.concatenate([np.zeros((2, 4)), np.eye(4)]))
    model.discriminator.get_layer("read").kernel.assign(np.eye(4))
    model.recognizer.get_layer("say").kernel.assign(50 * np.eye(4))
    with backend.Overlay(training=True):
        terms = model.discriminator_loss(ops.zeros((16, 4)))
        mine = model.generator_loss(ops.zeros((16, 4)))
    assert float(terms["information"]) == pytest.approx(-np.log(4), abs=1e-5)
    assert float(terms["mutual_information_0"].value) == pytest.approx(np.log(4), abs=1e-5)
    assert float(mine["information"]) == pytest.approx(-np.log(4), abs=1e-5)
    np.testing.assert_allclose(model.mutual_information(300, seed=1), [np.log(4)], atol=1e-5)
    condition = np.eye(4)[[2, 0, 3]]
    np.testing.assert_array_equal(model.generate(3, condition=condition, seed=1), condition)
    np.testing.assert_allclose(model.encode(condition), condition, atol=1e-5)


def test_weights_of_the_codes():
    model = build(information_weight=[2.0, 0.5])
    with backend.Overlay(training=True):
        terms = model.discriminator_loss(ops.zeros((8, 2)))
    bounds = [float(terms[f"mutual_information_{k}"].value) for k in (0, 1)]
    assert float(terms["information"]) == pytest.approx(-2.0 * bounds[0] - 0.5 * bounds[1], rel=1e-5)
    assert build(information_weight=0.3)._lambdas == [0.3, 0.3]


def test_noise_and_codes_are_drawn_apart_and_in_a_fixed_order():
    model = build()
    inputs = ops.convert_to_numpy(model.generator_inputs(500, seed=4))
    noise, classes, number = inputs[:, :2], inputs[:, 2:5], inputs[:, 5]
    # One integer seed for all of them would make the noise a function of the code.
    assert np.abs(np.corrcoef(np.column_stack([noise, classes.argmax(-1), number]).T) - np.eye(4)).max() < 0.15
    np.testing.assert_array_equal(model.sample_codes(500, seed=4), inputs[:, 2:])
    chosen = np.tile([[0.0, 1.0, 0.0, 2.0]], (500, 1))  # outside of (-1, 1), as in the paper's pictures
    given = ops.convert_to_numpy(model.generator_inputs(500, chosen, seed=4))
    np.testing.assert_array_equal(given, np.concatenate([noise, chosen], axis=1).astype("float32"))
    assert not np.array_equal(model.sample_codes(5), model.sample_codes(5))


def test_what_is_refused():
    model = build()
    for condition in (np.zeros((2, 3)), np.zeros((3, 4)), np.zeros(4), np.full((2, 4), np.nan)):
        with pytest.raises(ValueError, match="`condition` must be finite codes"):
            model.generate(2, condition=condition)
    for weight in (-1.0, [1.0], [1.0, -0.1], float("nan")):
        with pytest.raises(ValueError, match="information_weight"):
            build(information_weight=weight)
    for codes in ([], ["class"], [3]):
        with pytest.raises(TypeError, match="Categorical or Continuous"):
            build(codes=codes)
    with pytest.raises(TypeError, match="sets `joint_batch` itself"):
        build(joint_batch=True)
    with pytest.raises(ValueError, match="must return 4 parameters"):
        build(recognizer=kgan.networks.infogan.recognizer((128,), 5))
    with pytest.raises(ValueError, match="noise_size"):
        kgan.InfoGAN((2,), generator=kgan.networks.mlp.generator((2,), 12))
    with pytest.raises(ValueError, match="shape of one example is unknown"):
        kgan.InfoGAN()
    with pytest.raises(ValueError, match="multiple of 4"):
        kgan.InfoGAN((10, 10, 1))


@pytest.mark.only("tensorflow")
def test_the_published_networks():
    """Appendix C.1 at an eighth of the width: sizes, normalization, starts."""
    networks = kgan.networks.infogan
    generator = networks.generator((28, 28, 1), 74, 8, 128)
    discriminator = networks.discriminator((28, 28, 1), 8, 128)
    recognizer = networks.recognizer((128,), 14, 16)
    assert tuple(generator.get_layer("reshape").output.shape[1:]) == (7, 7, 16)
    assert tuple(generator.get_layer("up").output.shape[1:]) == (14, 14, 8)
    assert [tuple(discriminator.get_layer(f"down_{i}").output.shape[1:]) for i in (0, 1)] == [(14, 14, 8), (7, 7, 16)]
    assert (generator.output_shape, discriminator.output_shape, recognizer.output_shape) == (
        (None, 28, 28, 1),
        (None, 1),
        (None, 14),
    )
    norms = [[layer.name for layer in n.layers if "norm" in layer.name] for n in (generator, discriminator, recognizer)]
    assert norms == [["hidden_norm", "project_norm", "up_norm"], ["down_1_norm", "hidden_norm"], ["hidden_norm"]]
    cut = ops.convert_to_numpy(discriminator.get_layer("down_1").kernel)
    assert np.abs(cut).max() <= 0.04 + 1e-6  # truncated at two standard deviations
    assert ops.convert_to_numpy(generator.get_layer("up").kernel).std() == pytest.approx(0.02, rel=0.05)
    assert discriminator.get_layer("hidden_activation").negative_slope == pytest.approx(0.1)


@pytest.mark.only("tensorflow")
def test_the_default_model_is_the_papers():
    model = kgan.InfoGAN((28, 28, 1), seed=0)
    assert [type(code).__name__ for code in model.codes] == ["Categorical", "Continuous"]
    assert (model.noise_size, model.latent_size, model.recognizer.output_shape[-1]) == (62, 74, 12)
    assert model.discriminator.get_layer("hidden").units == 1024
    assert isinstance(model.prior, kgan.priors.Uniform)
    rates = {name: float(optimizer.learning_rate) for name, optimizer in model.default_optimizers().items()}
    assert rates == pytest.approx({"discriminator": 2e-4, "generator": 1e-3})


@pytest.mark.only("tensorflow")
def test_real_and_generated_batches_are_normalized_apart():
    """No batch that the trunk sees holds both."""
    discriminator = kgan.networks.infogan.discriminator((8, 8, 1), 4, 16)
    model = kgan.InfoGAN(
        noise_size=2, generator=kgan.networks.infogan.generator((8, 8, 1), 14, 4, 16), discriminator=discriminator, seed=0
    )
    model.compile(run_eagerly=True)
    layer = model.discriminator.get_layer("down_1_norm")
    seen = []
    call = type(layer).call
    layer.call = lambda x, **kwargs: seen.append(len(x)) or call(layer, x, **kwargs)
    model.fit(np.zeros((4, 8, 8, 1), "float32"), batch_size=4, verbose=0)
    # Looking for the terms and one round: real, generated; generated.
    assert seen == [4, 4, 4] * 2
