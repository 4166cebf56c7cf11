"""CausalGAN and CausalBEGAN: their numbers by hand, what they draw, keep and refuse."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.causal import CausalGraph, LabelNoise, StructuralModel, structural_model
from kgan.networks import CausalNetwork, causal
from tests.causal.tables import ODD, Frame
from tests.families.causal_models import (
    EAGER,
    WEIGHTS,
    bce,
    evaluate,
    numpy_of,
    one_dimensional,
    slope,
    small_controller,
    swapped,
    warned,
)
from tests.families.pairs import Always, Z, linear, sigmoid, softplus

# CausalGAN -----------------------------------------------------------------------------------------------------------

REAL, LABELS = np.array([[2.0], [-1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
GIVEN = np.array([1.0, 0.0])
CERTAIN = StructuralModel(CausalGraph(nodes=["A", "B"]), {"A": 1.0, "B": 0.0})


@keras.saving.register_keras_serializable("tests")
class Fixed(LabelNoise):
    """1 becomes 0.8, 0 becomes 0.2."""

    def __call__(self, labels, seed):
        return 0.2 + 0.6 * labels


def causal_gan(**kwargs):
    model = kgan.CausalGAN(
        CERTAIN, **one_dimensional(), noise_size=1, seed=0, **{"label_noise": None, "prior": Always(), **kwargs}
    )
    model.compile(run_eagerly=EAGER)
    return model


def judges_by_hand(w, x, term=bce, targets=GIVEN):
    """Eq. 4, 3 and 2 at the weights w of discriminator, labeler and anti-labeler, for the generated example x."""
    return (
        np.mean(softplus(-w[0] * REAL)) + softplus(w[0] * x),
        bce(REAL * w[1:3], LABELS),
        term(x * w[3:], targets),
    )


def generator_by_hand(g, coded, c=1.0, term=bce, targets=GIVEN, adversarial=lambda logit: -logit):
    """Eq. 5 at the weights g of the generator."""
    x = g @ np.array([Z, *coded])
    w = {k: np.array(v) for k, v in WEIGHTS.items()}
    return adversarial(w["discriminator"][0] * x), term(w["labeler"] * x, targets), -c * term(w["anti_labeler"] * x, targets)


def check_by_hand(model, coded, **how):
    x = float(np.array(WEIGHTS["generator"]) @ np.array([Z, *coded]))
    judges = np.concatenate([WEIGHTS[n] for n in ("discriminator", "labeler", "anti_labeler")])
    own = {k: v for k, v in how.items() if k in ("term", "targets")}
    terms, gradient = evaluate(model, "discriminator", REAL, LABELS)
    expected = judges_by_hand(judges, x, **own)
    assert [terms[k] for k in ("adversarial", "labeler", "anti_labeler")] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(gradient, slope(lambda w: sum(judges_by_hand(w, x, **own)), judges), rtol=2e-3, atol=1e-5)
    # 2 -> (3, -1): A right, B right; -1 -> (-1.5, 0.5): A right, B wrong.
    assert terms["label_accuracy"] == 0.75
    terms, gradient = evaluate(model, "generator", REAL, LABELS)
    point = np.array(WEIGHTS["generator"])
    assert [terms[k] for k in ("adversarial", "labeler", "anti_labeler")] == pytest.approx(
        generator_by_hand(point, coded, **how), rel=1e-4
    )
    np.testing.assert_allclose(gradient, slope(lambda g: sum(generator_by_hand(g, coded, **how)), point), rtol=2e-3, atol=1e-5)


def test_equations_2_to_5_by_hand():
    check_by_hand(causal_gan(), GIVEN)


def test_noisy_labels_go_into_the_generator_and_clean_ones_into_the_losses():
    check_by_hand(causal_gan(label_noise=Fixed()), [np.log(4), -np.log(4)])


def test_the_swapped_cross_entropy_by_hand():
    model = causal_gan(label_noise=Fixed(), swapped_cross_entropy=True, objective="non_saturating")
    how = {"term": swapped, "targets": np.array([0.8, 0.2]), "adversarial": lambda logit: softplus(-logit)}
    check_by_hand(model, [np.log(4), -np.log(4)], **how)


def test_the_anti_labeler_fades_with_the_authors_steps():
    # Three steps of their loop, of two generator steps each, make a round of six.
    model = causal_gan()
    assert (model.generator_steps, model.anti_labeler_decay, model.anti_labeler_weight) == (6, 3000.0, 1.0)
    model._rounds.assign(500)
    check_by_hand(model, GIVEN, c=np.exp(-3 * 500 / 3000))
    model = causal_gan(generator_steps=4, anti_labeler_decay=10.0, anti_labeler_weight=0.7)
    model.fit(np.zeros((12, 1), "float32"), np.zeros((12, 2)), batch_size=4, verbose=0)
    assert float(model.anti_labeler_strength()) == pytest.approx(0.7 * np.exp(-2 * 3 / 10), rel=1e-5)
    model = causal_gan(anti_labeler_decay=None, anti_labeler_weight=0.7)
    model._rounds.assign(500)
    check_by_hand(model, GIVEN, c=0.7)
    terms, _ = evaluate(causal_gan(anti_labeler_weight=0), "generator", REAL, LABELS)
    assert "anti_labeler" not in terms


def test_the_anti_labeler_goes_on_fading_after_a_second_compile_and_from_a_file(tmp_path):
    data, labels = np.zeros((12, 1), "float32"), np.zeros((12, 2))
    model = causal_gan(generator_steps=4, anti_labeler_decay=10.0, prior=kgan.priors.Uniform())
    model.fit(data, labels, batch_size=4, verbose=0)
    model.compile()
    model.fit(data, labels, batch_size=4, verbose=0)
    assert float(model.anti_labeler_strength()) == pytest.approx(np.exp(-2 * 6 / 10), rel=1e-5)
    model.evaluate(data, labels, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert float(loaded.anti_labeler_strength()) == pytest.approx(np.exp(-2 * 6 / 10), rel=1e-5)


def test_the_schedule_is_six_to_one():
    first, second = causal_gan().turns()
    assert [m.players for m in first.moves] == [("discriminator", "labeler", "anti_labeler")]
    assert (first.repeats, first.fresh) == (1, True)
    assert [m.players for m in second.moves] == [("generator",)]
    assert (second.repeats, second.fresh) == (6, False)
    for optimizer in causal_gan().default_optimizers().values():
        assert (float(optimizer.learning_rate), optimizer.beta_1) == (pytest.approx(2e-4), 0.5)


def test_the_controller_stays_as_it_is(rng):
    for system, networks in ((kgan.CausalGAN, ("anti_labeler",)), (kgan.CausalBEGAN, ())):
        weights = {"discriminator": [0.5]}
        given = {k: v for k, v in one_dimensional(labels=3, **weights).items() if k != "anti_labeler" or networks}
        model = system(small_controller(), **given, noise_size=1, seed=0)
        model.compile(run_eagerly=EAGER)
        before = [numpy_of(v).copy() for v in model.controller.variables]
        start = numpy_of(model.generator.weights[0]).copy()
        model.fit(rng.uniform(-1, 1, (8, 1)).astype("float32"), rng.integers(0, 2, (8, 3)), batch_size=4, verbose=0)
        for a, b in zip(before, model.controller.variables, strict=True):
            np.testing.assert_array_equal(a, numpy_of(b))
        assert not np.array_equal(start, numpy_of(model.generator.weights[0]))


# Generation ----------------------------------------------------------------------------------------------------------


def showing(controller=None, system=kgan.CausalGAN, noise_size=2, **kwargs):
    """A system whose examples are the generator's inputs: [z, coded labels]."""
    controller = small_controller() if controller is None else controller
    size = noise_size + 3
    networks = {"generator": linear([size], np.eye(size), "generator")}
    if system is kgan.CausalGAN:
        networks["discriminator"] = linear([size], np.ones((size, 1)), "discriminator")
        networks["anti_labeler"] = linear([size], np.ones((size, 3)), "anti_labeler")
        kwargs = {"label_noise": None, **kwargs}
    else:
        networks["discriminator"] = linear([size], np.eye(size), "discriminator")
    networks["labeler"] = linear([size], np.ones((size, 3)), "labeler")
    return system(controller, **networks, noise_size=noise_size, seed=0, **kwargs)


@pytest.mark.parametrize("system", [kgan.CausalGAN, kgan.CausalBEGAN])
def test_labels_of_what_is_generated(system):
    model = showing(system=system)
    made = model.generate(200, seed=1)
    z, labels = made[:, :2], made[:, 2:]
    assert set(np.unique(labels)) == {0.0, 1.0}
    assert z.min() < -0.9
    assert z.max() > 0.9
    np.testing.assert_array_equal(model.generate(200, seed=1), made)
    assert not np.array_equal(model.generate(5), model.generate(5))
    wanted = np.array([[0, 1, 1], [1, 0, 0]])
    table = {"X3": wanted[:, 2], "X1": wanted[:, 0], "X2": wanted[:, 1]}
    results = [model.generate(2, condition=c, seed=3) for c in (wanted, wanted.tolist(), table, Frame(table))]
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_array_equal(results[0][:, 2:], wanted)
    samples = model.controller.sample(7, do={"X1": 1}, seed=0)
    np.testing.assert_array_equal(model.generate(7, condition=samples, seed=3)[:, 2:], samples.matrix())
    chosen = model.generate(50, condition={"X1": 1, "X3": 0}, seed=3)
    assert (chosen[:, 2].min(), chosen[:, 4].max()) == (1.0, 0.0)
    assert len(np.unique(chosen[:, 3])) == 2
    assert model.generate(1, condition=np.int64([[1, 1, 0]]), seed=3).shape == (1, 5)
    for condition, message in (
        (wanted[:1], "labels of 1 examples, `count` is 2"),
        (wanted + 1, "must be 0 or 1"),
        (wanted[:, :2], r"\(count, 3\)"),
        ({"X1": wanted[:, 0]}, "Missing"),
        ({**table, "X1": 1}, "one length"),
        ({"X4": 1}, "'X4' is no label"),
        ({"X1": 2}, "0 or 1"),
    ):
        with pytest.raises(ValueError, match=message):
            model.generate(2, condition=condition)


def test_images_with_their_labels():
    for controller in (small_controller(), StructuralModel("collider", {"X1": 0.3, "X3": 0.6, "X2": [[0.1, 0.9], [0.5, 0.2]]})):
        model = showing(controller)
        images, labels = model.sample(50, do={"X2": 1}, condition={"X1": 0}, seed=4)
        np.testing.assert_array_equal(images[:, 2:], labels.matrix())
        assert (labels["X2"].min(), labels["X1"].max()) == (1, 0)
        assert 0 < labels.acceptance_rate < 1
        np.testing.assert_array_equal(model.sample(50, do={"X2": 1}, condition={"X1": 0}, seed=4)[0], images)
        other = model.sample(50, do={"X2": 0}, seed=4)[0]
        np.testing.assert_array_equal(other[:, :2], images[:, :2])  # one seed, one z: only the labels differ
        assert not np.array_equal(model.sample(20)[0], model.sample(20)[0])
    with pytest.raises(ValueError, match="draws"):
        showing(StructuralModel("line", {"X1": 0.0, "X2": [0.5, 0.5], "X3": [0.5, 0.5]})).sample(
            2, condition={"X1": 1}, seed=0, max_draws=100
        )


def test_a_model_s_own_seed_decides_about_its_samples():
    controller = small_controller()
    first, second = (showing(controller).sample(20) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1].matrix(), second[1].matrix())


@pytest.mark.parametrize("system", [kgan.CausalGAN, kgan.CausalBEGAN])
def test_z_is_not_the_noise_that_made_the_labels(system, monkeypatch):
    """Both are U(-1, 1): from one seed they would be the same numbers, and z a function of the labels'."""
    model, drawn = showing(system=system, noise_size=6), []
    noise = CausalNetwork.noise
    monkeypatch.setattr(CausalNetwork, "noise", lambda *a: drawn.append(numpy_of(noise(*a))) or ops.convert_to_tensor(drawn[-1]))
    for call in (
        lambda: model.sample(300, seed=7)[0],
        lambda: model.sample(300, condition={"X1": 1}, seed=7)[0],
        lambda: model.generate(300, condition={"X1": 1}, seed=7),
        lambda: model.generate(300, seed=7),
    ):
        drawn.clear()
        z = call()[:, :6]
        assert drawn
        for latents in drawn:
            assert np.isin(z, latents).mean() < 0.05  # a few floats coincide


def test_noisy_labels_are_what_the_generator_is_given():
    model = showing(label_noise=LabelNoise())
    wanted = np.random.default_rng(0).integers(0, 2, (300, 3))
    soft = sigmoid(model.generate(300, condition=wanted, seed=0)[:, 2:])
    np.testing.assert_array_equal(soft > 0.5, wanted == 1)
    assert len(np.unique(np.round(soft[:, 0], 5))) > 200


def test_one_image_is_made_as_one_of_many(rng):
    networks = causal.image_networks((8, 8, 1), 5, 3, 3, kernels=2, kernel_size=2, epsilon=1e-3)
    names = ("generator", "discriminator", "labeler", "anti_labeler")
    model = kgan.CausalGAN(
        structural_model("faces"), **dict(zip(names, networks, strict=True)), noise_size=3, generator_steps=2, seed=0
    )
    model.compile(run_eagerly=EAGER)
    model.fit(rng.uniform(-1, 1, (4, 8, 8, 1)).astype("float32"), rng.integers(0, 2, (4, 5)), batch_size=4, verbose=0)
    inputs = numpy_of(model.generator_inputs(3, seed=0))
    many = numpy_of(model(inputs))
    for row in range(3):
        np.testing.assert_allclose(numpy_of(model(inputs[row : row + 1]))[0], many[row], atol=1e-6)
    assert np.abs(many[0] - many[1]).max() > 1e-4
    assert model.generate(1, seed=0).shape == (1, 8, 8, 1)


# CausalBEGAN ---------------------------------------------------------------------------------------------------------

RATES, GAMMAS = (0.4, 0.3, 0.2), (0.5, 0.6, 0.7)


def causal_began(factors, **kwargs):
    networks = {
        "generator": linear([3], np.reshape(WEIGHTS["generator"], (3, 1)), "generator"),
        "discriminator": linear([1], [[0.6]], "discriminator"),
        "labeler": linear([1], [WEIGHTS["labeler"]], "labeler"),
    }
    kwargs = {"margins": GAMMAS, "margin_rates": RATES, **kwargs}
    model = kgan.CausalBEGAN(CERTAIN, **networks, noise_size=1, prior=Always(), seed=0, **kwargs)
    model.compile({move: keras.optimizers.SGD(0.1) for move in ("discriminator", "generator")}, run_eagerly=EAGER)
    model._factors.assign(factors)
    return model


def began_by_hand(judges, g, c, real, labels, label_loss):
    """Errors, both losses and the margins; `judges`: the auto-encoder's weight and the labeler's two."""
    x = g @ np.array([Z, *GIVEN])

    def error(examples):
        return np.mean(np.abs(examples - judges[0] * examples))

    errors = error(real), error(x), label_loss(real * judges[1:], labels), label_loss(x * judges[1:], GIVEN)
    real_error, fake_error, real_labels, fake_labels = errors
    b1, b2 = GAMMAS[0] * real_error - fake_error, GAMMAS[1] * real_labels - fake_labels
    b3 = GAMMAS[2] * max(b1, 0) - max(b2, 0)
    return (
        errors,
        (real_error - c[0] * fake_error + real_labels - c[1] * fake_labels, fake_error + c[2] * fake_labels),
        (b1, b2, b3),
    )


def squared(logits, labels):
    return np.mean((sigmoid(logits) - labels) ** 2)


def absolute(logits, labels):
    return np.mean(np.abs(sigmoid(logits) - labels))


@pytest.mark.parametrize(
    ("label_loss", "by_hand"),
    [
        (None, squared),
        (kgan.objectives.absolute_label_difference, absolute),
        (kgan.objectives.label_cross_entropy, bce),
    ],
)
def test_two_rounds_of_the_boundary_by_hand(label_loss, by_hand):
    """Both players step from one point, and the margins from the errors there; the factors are those of before."""
    c = np.array([0.1, 0.2, 0.15])
    model = causal_began(c, label_loss=label_loss)
    judges, g = np.array([0.6, *WEIGHTS["labeler"]]), np.array(WEIGHTS["generator"])
    data = np.array([[2.0], [-1.0], [3.0], [5.0]]), np.array([[1, 0], [0, 0], [1, 1], [0, 1]])
    for rows in (slice(0, 2), slice(2, 4)):
        real, labels = (d[rows] for d in data)

        def losses(judges, g, c=c, real=real, labels=labels):
            return began_by_hand(judges, g, c, real, labels, by_hand)

        errors, values, margins = losses(judges, g)
        logs = model.fit(real.astype("float32"), labels, batch_size=2, shuffle=False, verbose=0).history
        assert logs["generator/error"] == [pytest.approx(errors[1], rel=1e-4)]
        assert logs["discriminator/fake_error"] == [pytest.approx(-c[0] * errors[1], rel=1e-4)]
        assert logs["discriminator/c3"] == [pytest.approx(c[2], rel=1e-4)]
        assert logs["discriminator/convergence"] == [pytest.approx(errors[0] + errors[2] + np.abs(margins).sum(), rel=1e-4)]
        assert logs["loss"] == [pytest.approx(sum(values), rel=1e-4)]
        step = slope(lambda w: losses(w, g)[1][0], judges)  # noqa: B023 - called at once
        own = slope(lambda w: losses(judges, w)[1][1], g)  # noqa: B023
        judges, g = judges - 0.1 * step, g - 0.1 * own
        c = np.clip(c + np.array(RATES) * margins, 0, 1)
        found = np.concatenate([numpy_of(n.weights[0]).ravel() for n in (model.discriminator, model.labeler)])
        np.testing.assert_allclose(found, judges, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(numpy_of(model.generator.weights[0])[:, 0], g, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(numpy_of(model._factors), c, atol=1e-5)


@pytest.mark.parametrize(
    ("real", "generator", "factors"),
    [
        # e = 0.4 |x|; x real 10, generated 0: b1 = 2 up to 1; the labeler right on real ones (f 0.125): b2 < 0; b3 > 0 up to 1.
        (10.0, [0.0, 0.0, 0.0], [1.0, None, 1.0]),
        # Generated 10, real 0: b1 = -4 down to 0.
        (0.0, [0.0, 10.0, 0.0], [0.0, None, None]),
    ],
)
def test_the_factors_stay_between_0_and_1(real, generator, factors):
    model = causal_began([0.5, 0.5, 0.5], margin_rates=(10.0, 10.0, 10.0))
    model.generator.set_weights([np.reshape(generator, (3, 1))])
    model.fit(np.full((2, 1), real, "float32"), np.tile([[1, 0]], (2, 1)), batch_size=2, verbose=0)
    made = numpy_of(model._factors)
    for value, wanted in zip(made, factors, strict=True):
        assert 0 <= value <= 1
        assert wanted is None or value == wanted


def test_evaluation_leaves_the_factors_and_images_are_cut():
    model = causal_began([0.1, 0.2, 0.3])
    model.evaluate(REAL.astype("float32"), LABELS, batch_size=2, verbose=0)
    np.testing.assert_allclose(numpy_of(model._factors), [0.1, 0.2, 0.3], rtol=1e-6)
    # The generator makes 3 * 0.5 - 1 + 0 = 0.5 for (1, 0), and 3.5 for (0, 1).
    np.testing.assert_allclose(model.generate(2, condition=[[1, 0], [0, 1]]), [[0.5], [1.0]], rtol=1e-5)
    fresh = kgan.CausalBEGAN(structural_model("faces"), (8, 8, 1), filters=1, noise_size=2)
    assert numpy_of(fresh._factors).tolist() == [0, 0, 0]
    assert (fresh.margins, fresh.margin_rates) == ((0.5, 0.5, 0.5), (0.001, 0.00008, 0.01))
    assert float(fresh.default_optimizers()["generator"].learning_rate) == pytest.approx(8e-5)


# Files and errors ----------------------------------------------------------------------------------------------------


def test_files_with_names_of_every_kind(tmp_path, rng):
    names = CausalGraph([("a", "aa"), ("aa", "a/b"), ("node_0", "ключ ключа")], ODD)
    controller = small_controller(names)
    controller.compile(run_eagerly=EAGER, averages={"generator": 0.9})
    controller.fit(rng.integers(0, 2, (12, len(ODD))), batch_size=6, verbose=0)
    controller.save(tmp_path / "controller.keras")
    loaded = keras.saving.load_model(tmp_path / "controller.keras")
    assert loaded.graph == names
    np.testing.assert_array_equal(
        loaded.sample(20, do={"a/b": 1}, seed=1).matrix(), controller.sample(20, do={"a/b": 1}, seed=1).matrix()
    )
    tables = {n: np.full((2,) * len(names.parents[n]), 0.5) for n in ODD}
    for source in (loaded, StructuralModel(names, tables)):
        model = kgan.CausalBEGAN(
            source,
            (8, 8, 1),
            filters=1,
            noise_size=2,
            label_loss=kgan.objectives.label_cross_entropy,
            margins=(0.4, 0.5, 0.6),
            seed=0,
        )
        model._factors.assign([0.1, 0.2, 0.3])
        model.save(tmp_path / "images.keras")
        twin = keras.saving.load_model(tmp_path / "images.keras")
        assert twin.label_loss is kgan.objectives.label_cross_entropy
        assert tuple(twin.margins) == (0.4, 0.5, 0.6)
        np.testing.assert_array_equal(numpy_of(twin._factors), numpy_of(model._factors))
        images, labels = model.sample(3, do={"aa": 1}, seed=2)
        again, its = twin.sample(3, do={"aa": 1}, seed=2)
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels.matrix(), its.matrix())


@pytest.mark.parametrize(
    ("system", "change", "error", "message"),
    [
        ("gan", {"controller": "celeba"}, TypeError, "must be a kgan.CausalController"),
        ("gan", {"controller": None}, TypeError, "Received: NoneType"),
        ("gan", {"anti_labeler": None}, ValueError, "or none of them"),
        ("gan", {"labeler": linear([1], [[1.0]], "labeler")}, ValueError, r"a logit for each of \['A', 'B'\]"),
        ("gan", {"generator": linear([4], np.ones((4, 1)), "generator")}, ValueError, r"\[z, labels\]|takes latents"),
        ("gan", {"discriminator": linear([1], [[1.0, 1.0]], "discriminator")}, ValueError, "into a logit"),
        ("gan", {"noise_size": 0}, ValueError, "noise_size"),
        ("gan", {"generator_steps": 0}, ValueError, "generator_steps"),
        ("gan", {"anti_labeler_weight": -1.0}, ValueError, "anti_labeler_weight"),
        ("gan", {"anti_labeler_decay": 0.0}, ValueError, "anti_labeler_decay"),
        ("gan", {"swapped_cross_entropy": True, "label_noise": None}, ValueError, "infinite"),
        ("gan", {"objective": "no such"}, ValueError, "no such"),
        ("began", {"controller": "celeba"}, TypeError, "must be a kgan.CausalController"),
        ("began", {"labeler": None}, ValueError, "or none of them"),
        ("began", {"discriminator": linear([1], [[1.0, 1.0]], "discriminator")}, ValueError, "examples into examples"),
        ("began", {"margins": (0.5, 0.5)}, ValueError, "three numbers"),
        ("began", {"margins": (0.5, 0.5, 0.0)}, ValueError, "margins"),
        ("began", {"margin_rates": (0.1, -0.1, 0.1)}, ValueError, "margin_rates"),
    ],
)
def test_what_does_not_fit_is_refused(system, change, error, message):
    networks = one_dimensional(discriminator=[0.6])
    arguments = {"controller": CERTAIN, **networks, "noise_size": 1, **change}
    if system == "began":
        del arguments["anti_labeler"]
    with pytest.raises(error, match=message):
        (kgan.CausalGAN if system == "gan" else kgan.CausalBEGAN)(**arguments)


@pytest.mark.parametrize("make", [causal_gan, lambda: causal_began([0, 0, 0])])
def test_data_that_do_not_fit_are_refused(make):
    model = make()
    images, labels = np.zeros((100, 1), "float32"), np.zeros((100, 2))
    labels[::2] = 1
    late = labels.copy()
    late[99, 1] = -1
    for data, message in (
        ((images,), r"Train with fit\(images, labels\)"),
        ((images, labels[:99]), "same number of examples"),
        ((images, late), "'B' is -1.0 in example 99"),
        ((images, labels[:, :1]), r"\(count, 2\)"),
        ((images, {"A": labels[:, 0]}), r"Missing: \['B'\]"),
        ((images, {"A": labels[:, 0], "B": labels[:, 1], "C": labels[:, 1]}), r"not in the graph: \['C'\]"),
        ((images.astype(int), labels), "floating point"),
        ((images + np.nan, labels), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(*data, batch_size=20, verbose=0)
    assert warned(lambda: model.fit(images, 0 * labels, batch_size=50, verbose=0), "A is never 1")


def test_labels_beside_images_are_taken_by_name(rng):
    images, table = rng.normal(size=(12, 1)).astype("float32"), {"B": rng.integers(0, 2, 12), "A": rng.integers(0, 2, 12)}
    matrix = np.stack([table["A"], table["B"]], axis=1)
    results = []
    for labels in (matrix, table, Frame(table)):
        model = causal_gan(generator_steps=1)
        model.fit(images, labels, batch_size=6, verbose=0)
        results.append(numpy_of(model.labeler.weights[0]))
        assert model.evaluate(images, labels, batch_size=6, verbose=0) == pytest.approx(
            model.evaluate(images, matrix, batch_size=6, verbose=0)
        )
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    assert not np.allclose(results[0], [WEIGHTS["labeler"]])
