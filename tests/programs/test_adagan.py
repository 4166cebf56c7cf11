"""Boosting a mixture of generators: fresh components, weighted data, one file."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import mlp
from kgan.programs import boosting
from kgan.programs.ratio import RatioClassifier

POINTS = kgan.datasets.ring().sample(32, seed=0)


def component():
    return kgan.GAN((2,), generator=mlp.generator((2,), 3, (6,)), discriminator=mlp.discriminator((2,), (6,)), seed=0)


def build(**kwargs):
    keras.utils.set_random_seed(3)
    kwargs = {"components": 3, "epochs_per_component": 1, "classifier_epochs": 1, "seed": 0, **kwargs}
    model = kgan.AdaGAN(component=component(), **kwargs)
    model.compile(run_eagerly=keras.backend.backend() != "jax")  # there a compiled round is the fast one
    return model


def train(model, epochs, **kwargs):
    return model.fit(POINTS, batch_size=16, epochs=epochs, verbose=0, **kwargs)


def told_by(model, epochs):
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        train(model, epochs)
    return " ".join(str(warning.message) for warning in caught)


def numpy_of(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def constant(model, value):
    """Make the generator in training return one value."""
    output = model.generator.get_layer("output")
    output.kernel.assign(np.zeros(output.kernel.shape))
    output.bias.assign(np.full(output.bias.shape, value))


def test_components_start_fresh_and_are_kept():
    model = build()
    start = numpy_of(model.component.weights)
    train(model, 1)
    trained, samples = numpy_of(model.generator.weights), model.generate(5, seed=1)
    model.start_anew()
    fresh = numpy_of(model.component.weights)
    assert int(model.optimizer["generator"].iterations) == 0
    assert all(np.abs(ops.convert_to_numpy(v)).max() == 0 for v in model.optimizer["generator"].variables[2:])
    for old, new in zip(start, fresh, strict=True):
        assert old.ndim == 1 or np.abs(old - new).max() > 1e-3  # biases start at 0
    for kept, (_, value) in zip(trained, model._slots.values(0), strict=True):
        np.testing.assert_array_equal(kept, ops.convert_to_numpy(value))
    np.testing.assert_array_equal(model.generate(5, condition=0, seed=1), samples)


def test_the_first_component_is_trained_as_it_would_be_alone():
    model = build()
    train(model, 1)
    keras.utils.set_random_seed(3)
    alone = component()
    alone.compile(run_eagerly=keras.backend.backend() != "jax")
    alone.fit(POINTS, batch_size=16, verbose=0)
    for a, b in zip(model.generator.weights, alone.generator.weights, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), ops.convert_to_numpy(b), atol=1e-6)


def test_shares_and_draws():
    """With a constant beta of 1/4: shares 9/16, 3/16, 1/4, and samples in that proportion, in no order."""
    model = build(beta=0.25)
    for step in range(3):
        train(model, step + 1, initial_epoch=step)
        constant(model, float(step))
    np.testing.assert_allclose(model.shares, [9 / 16, 3 / 16, 1 / 4])
    drawn = model.generate(4000, seed=0)[:, 0]
    np.testing.assert_allclose([(drawn == value).mean() for value in range(3)], model.shares, atol=0.03)
    assert np.abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.1
    assert set(model.generate(20, condition=1, seed=0)[:, 0]) == {1.0}
    assert set(model.generate(50, condition=[1, 0, 1], seed=0)[:, 0]) == {0.0, 2.0}
    assert [r["beta"] for r in model.records] == [1.0, 0.25, 0.25]
    assert all(0 <= r["zero_share"] < 1 and r["multiplier"] > 0 for r in model.records)


@pytest.mark.only("tensorflow")
def test_resumed_in_the_middle_of_a_component(tmp_path):
    whole = build(epochs_per_component=2)
    train(whole, 6)
    folder = tmp_path / "run"
    train(build(epochs_per_component=2), 5, callbacks=[kgan.callbacks.Checkpoint(folder)])
    resumed = build(epochs_per_component=2)
    keras.utils.set_random_seed(99)  # another process has other numbers
    start = kgan.callbacks.restore(resumed, folder)
    assert (start, resumed.step) == (5, 2)
    train(resumed, 6, initial_epoch=start)
    for a, b in zip(
        [*whole.variables, *whole.optimizer.variables], [*resumed.variables, *resumed.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b), err_msg=a.path)


@pytest.mark.only("tensorflow")
def test_the_first_fit_is_shared_by_the_components():
    model = build(epochs_per_component=None)
    assert model.total_epochs == 3 * 15  # until then the authors'
    assert "Every one of 3 components has 4 rounds of this fit; below 1000" in told_by(model, 7)
    assert (model.total_epochs, model.step) == (6, 2)  # two epochs each; the last one trains on
    train(model, 9)
    assert (model.total_epochs, model.step) == (6, 2)  # settled
    short = build(epochs_per_component=None)
    assert "ends before the last component: 3 components take 45 epochs, 15 each, and it has 2" in told_by(short, 2)
    assert (short.total_epochs, short.step) == (45, 0)
    train(short, 3, initial_epoch=2)  # who goes on has been told


@pytest.mark.only("tensorflow")
def test_one_file_holds_the_mixture(tmp_path):
    model = build(beta=boosting.WeightedShare(0.4), classifier=mlp.discriminator((2,), (4,), name="classifier"), weighting="topk")
    train(model, 3)
    model.save(tmp_path / "mixture.keras")
    loaded = keras.saving.load_model(tmp_path / "mixture.keras")
    np.testing.assert_array_equal(loaded.generate(64, seed=4), model.generate(64, seed=4))
    np.testing.assert_array_equal(loaded.shares, model.shares)
    assert loaded.records == model.records
    assert isinstance(loaded.beta, boosting.WeightedShare)


@pytest.mark.only("tensorflow")
def test_the_classifier_sees_uniform_data_and_the_mixture_before(monkeypatch):
    seen = []
    fit = RatioClassifier.fit

    def watch(self, pair, **kwargs):
        seen.append(pair)
        return fit(self, pair, **kwargs)

    monkeypatch.setattr(RatioClassifier, "fit", watch)
    model = build(components=2, classifier_epochs=2)
    train(model, 1)
    constant(model, 7.0)
    train(model, 2, initial_epoch=1)
    assert len(seen) == 2
    for data, samples in seen:
        np.testing.assert_array_equal(data, POINTS)
        np.testing.assert_array_equal(samples, np.full_like(POINTS, 7.0))


@pytest.mark.only("tensorflow")
def test_data_come_by_their_weights(monkeypatch):
    """Only the examples with weight are seen, by the discriminator, in component 2."""
    weights = np.zeros(32)
    weights[3] = 1.0
    model = build(components=2, weighting=lambda ratios, beta: (weights, 1.0))
    seen = []
    loss = model.component.discriminator_loss
    monkeypatch.setattr(model.component, "discriminator_loss", lambda real: seen.append(ops.convert_to_numpy(real)) or loss(real))
    model.compile(run_eagerly=True)
    train(model, 1)
    assert len(np.unique(np.concatenate(seen[-2:]), axis=0)) == 32
    train(model, 2, initial_epoch=1)
    np.testing.assert_array_equal(np.concatenate(seen[-2:]), np.repeat(POINTS[3:4], 32, axis=0))


@pytest.mark.only("tensorflow")
def test_bagging_needs_no_classifier(monkeypatch):
    monkeypatch.setattr(kgan.AdaGAN, "_ratios", None)
    model = build(weighting="uniform")
    train(model, 3)
    np.testing.assert_allclose(model.shares, 1 / 3)


@pytest.mark.only("tensorflow")
@pytest.mark.filterwarnings("ignore:__array__")  # pytest.warns repeats what the suite ignores by its place
def test_where_there_are_no_weights_they_are_uniform():
    def refuse(ratios, beta):
        raise ValueError("no multiplier")

    model = build(components=2, weighting=refuse)
    with pytest.warns(UserWarning, match=r"Component 2 is trained on uniform weights: no multiplier"):
        train(model, 2)
    assert model.records[1]["zero_share"] == 0.0


@pytest.mark.only("tensorflow")
def test_a_mixture_of_another_family_from_a_data_set(capsys):
    critic = kgan.WGANGP(
        generator=mlp.generator((2,), 3, (6,)), discriminator=mlp.discriminator((2,), (6,)), discriminator_steps=1
    )
    model = kgan.AdaGAN(component=critic, components=2, epochs_per_component=1, classifier_epochs=1, seed=0)
    model.compile(run_eagerly=True, averages={"generator": 0.5})
    dataset = kgan.datasets.from_arrays((POINTS, np.zeros(32)), 16)
    history = model.fit(dataset, epochs=2, verbose=2)
    assert "Component 2 of 2: share 0.500" in capsys.readouterr().out
    assert len(history.history["discriminator/gradient_penalty"]) == 2


def test_ratios_of_two_gaussians(rng):
    """Data N(0, 1), samples N(1, 1): r = exp(x - 1/2)."""
    data, samples = (rng.normal(mean, 1.0, (2048, 1)).astype("float32") for mean in (0.0, 1.0))
    classifier = RatioClassifier(mlp.discriminator((1,), ()), learning_rate=0.05, seed=0)
    classifier.compile()
    classifier.fit((data, samples), batch_size=512, epochs=15, verbose=0)
    x = np.linspace(-1, 2, 7, dtype="float32")[:, None]
    np.testing.assert_allclose(np.log(classifier.ratios(x)), x[:, 0] - 0.5, atol=0.3)


def growing():
    return kgan.ProGAN((8, 8, 1), base_maps=8, max_maps=4, latent_size=4)


def compiled():
    model = component()
    model.compile()
    return model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "shape of one example"),
        ({"components": 0}, "components"),
        ({"epochs_per_component": 0}, "epochs_per_component"),
        ({"classifier_epochs": 0}, "classifier_epochs"),
        ({"beta": 1.0}, "beta"),
        ({"beta": 0.0}, "beta"),
        ({"weighting": "best"}, "weighting"),
        ({"classifier_learning_rate": 0.0}, "classifier_learning_rate"),
        ({"component": "GAN"}, "family with a generator"),
        ({"component": compiled}, "as it was constructed"),
        ({"component": growing}, "in several parts"),
        ({"component": component, "data_shape": (3,)}, "data_shape"),
        ({"classifier": lambda: mlp.generator((3,), 2)}, "one logit"),
    ],
)
def test_what_is_refused(arguments, message):
    arguments = {k: v() if callable(v) else v for k, v in arguments.items()}
    arguments |= {} if {"component", "data_shape"} & set(arguments) or not arguments else {"data_shape": (2,)}
    with pytest.raises(ValueError, match=message):
        kgan.AdaGAN(**arguments)


@pytest.mark.only("tensorflow")
def test_what_fit_and_generate_refuse():
    model = build()
    with pytest.raises(ValueError, match="itself"):
        train(model, 1, sampling_weights=np.ones(32))
    with pytest.raises(ValueError, match="one array"):
        model.fit((POINTS, POINTS))
    for condition in (1, -1, [0.5, 0.5], [0.0]):
        with pytest.raises(ValueError, match="one of 1 components"):
            model.generate(2, condition=condition)
    with pytest.raises(ValueError, match="beta"):
        train(build(beta=lambda t, ratios: 1.0), 2)


def test_a_component_that_projects_one_of_its_players():
    component = kgan.MMDGAN(
        generator=kgan.networks.mlp.generator((2,), 3, (8,)),
        encoder=kgan.networks.mlp.discriminator((2,), (8,), name="encoder", outputs=4),
        decoder=kgan.networks.mlp.generator((2,), 4, (8,), name="decoder"),
        clip=0.05,
        encoder_steps=1,
        warmup=None,
    )
    classifier = kgan.networks.mlp.discriminator((2,), (8,))
    model = kgan.AdaGAN(
        component=component, classifier=classifier, components=2, epochs_per_component=1, classifier_epochs=1, seed=0
    )
    model.compile()
    model.fit(kgan.datasets.ring().sample(64, 0), batch_size=16, epochs=1, verbose=0)
    model.start_anew()
    largest = [
        max(float(abs(ops.convert_to_numpy(v)).max()) for v in p.trainable_variables) for p in (model.encoder, model.decoder)
    ]
    assert largest[0] <= 0.05 + 1e-6 < largest[1]
