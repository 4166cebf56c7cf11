"""Structural models against hand-worked numbers and enumeration; rejection; noisy labels; the polynomial data."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.causal import CausalGraph, LabelNoise, LabelSamples, PolynomialModel, StructuralModel, structural_model
from kgan.causal.sampling import sample
from kgan.metrics import label_distribution, total_variation
from tests.causal.tables import ODD

# Rain wets the road, and so does the sprinkler; rain keeps the sprinkler off. The columns are not in the order of causes.
WET = {"wet": [[0.0, 0.9], [0.8, 0.99]], "sprinkler": [0.4, 0.1], "rain": 0.2}
EDGES = [("rain", "sprinkler"), ("rain", "wet"), ("sprinkler", "wet")]
NODES = ["wet", "sprinkler", "rain"]


def sprinkler():
    return StructuralModel(CausalGraph(EDGES, NODES), WET)


def enumerate_joint(model, do=None):
    """The truncated factorization, cell by cell."""
    nodes, do = model.graph.nodes, do or {}
    joint = np.zeros((2,) * len(nodes))
    for cell in itertools.product((0, 1), repeat=len(nodes)):
        value, chance = dict(zip(nodes, cell, strict=True)), 1.0
        for node in nodes:
            if node in do:
                chance *= float(value[node] == do[node])
            else:
                p = model.probabilities[node]
                for parent in model.graph.parents[node]:
                    p = p[value[parent]]
                chance *= p if value[node] else 1 - p
        joint[cell] = chance
    return joint


def test_by_hand():
    model = sprinkler()
    # Axes of the table of "wet": (sprinkler, rain), as in the nodes.
    assert model.graph.parents["wet"] == ("sprinkler", "rain")
    assert model.joint()[1, 1, 0] == pytest.approx(0.8 * 0.4 * 0.8)
    on = 0.8 * 0.4 + 0.2 * 0.1
    assert model.marginals()["sprinkler"] == pytest.approx(on)
    # P(rain | sprinkler on) by Bayes; setting the sprinkler says nothing about the rain.
    assert model.marginals(condition={"sprinkler": 1})["rain"] == pytest.approx(0.2 * 0.1 / on)
    assert model.marginals(do={"sprinkler": 1})["rain"] == pytest.approx(0.2)
    assert model.marginals(do={"sprinkler": 1})["wet"] == pytest.approx(0.8 * 0.8 + 0.2 * 0.99)
    # Both: P(rain | wet, do(sprinkler on)).
    both = model.marginals(do={"sprinkler": 1}, condition={"wet": 1})
    assert both["rain"] == pytest.approx(0.2 * 0.99 / (0.8 * 0.8 + 0.2 * 0.99))
    assert (both["wet"], both["sprinkler"]) == (1.0, 1.0)


@pytest.mark.parametrize("name", ["celeba", "faces", None])
def test_joint_is_the_factorization(name):
    model = sprinkler() if name is None else structural_model(name)
    first, last = model.graph.nodes[1], model.graph.nodes[-1]
    for do in (None, {first: 1}, {last: 0, first: 0}):
        np.testing.assert_allclose(model.joint(do), enumerate_joint(model, do), atol=1e-14)
        assert model.joint(do).sum() == pytest.approx(1.0)


def test_celeba_s_figures():
    """The tables of the source, whose keys are (Male, Young[, Smiling]) and (Young, Smiling), through a computation of conditionals."""
    model = structural_model("celeba")

    def given(node, **causes):
        return model.marginals(condition=causes)[node]

    bits = list(itertools.product((0, 1), repeat=2))
    for node, values in {
        "Bald": (0, 0, 0.15, 0.02),
        "Mustache": (0, 0, 0.14, 0.08),
        "Smiling": (0.55, 0.54, 0.42, 0.39),
        "Wearing_Lipstick": (0.60, 0.84, 0.01, 0.01),
    }.items():
        assert [given(node, Male=m, Young=y) for m, y in bits] == pytest.approx(values)
    assert [given("Mouth_Slightly_Open", Young=y, Smiling=s) for y, s in bits] == pytest.approx((0.28, 0.73, 0.24, 0.77))
    narrow = [given("Narrow_Eyes", Male=m, Young=y, Smiling=s) for m, y, s in itertools.product((0, 1), repeat=3)]
    assert narrow == pytest.approx((0.09, 0.17, 0.06, 0.13, 0.11, 0.20, 0.09, 0.18))
    assert [given("Eyeglasses", Young=y) for y in (0, 1)] == pytest.approx((0.16, 0.04))
    assert (model.marginals()["Young"], model.marginals()["Male"]) == pytest.approx((0.77, 0.42))
    # The paper's picture: only men have mustaches, and drawing one makes no man.
    assert model.marginals(condition={"Mustache": 1})["Male"] == pytest.approx(1.0)
    assert model.marginals(do={"Mustache": 1})["Male"] == pytest.approx(0.42)
    assert (structural_model("faces").joint() > 0).all()


def test_samples_follow_the_joint():
    model = sprinkler()
    for do, condition in ((None, None), ({"sprinkler": 1}, None), ({"sprinkler": 0}, {"wet": 1}), (None, {"rain": 1, "wet": 0})):
        made = model.sample(100_000, do=do, condition=condition, seed=3)
        truth = model.joint(do)
        for node, value in (condition or {}).items():
            truth = truth * np.moveaxis(np.eye(2)[value].reshape(2, 1, 1), 0, model.graph.index(node))
        # How often the condition is met is itself a probability of the model.
        assert made.acceptance_rate == pytest.approx(truth.sum(), rel=0.05)
        assert total_variation(truth.ravel() / truth.sum(), label_distribution(made)) < 0.01
    assert model.sample(5, seed=1)["wet"].tolist() == model.sample(5, seed=1)["wet"].tolist()


def test_draws_of_training_follow_the_tables():
    """The path of training is written in the backend's operations, that of `sample` in NumPy's."""
    for model in (sprinkler(), structural_model("faces")):
        draws = ops.convert_to_numpy(model.draw(100_000, keras.random.SeedGenerator(5)))
        assert draws.dtype == np.float32
        assert total_variation(model.joint().ravel(), label_distribution(draws)) < 0.012


def test_draws_of_certain_tables_are_exact():
    model = StructuralModel([("A", "B"), ("B", "C"), ("A", "C")], {"A": 0.5, "B": [1.0, 0.0], "C": [[1, 0], [0, 1]]})
    a, b, c = ops.convert_to_numpy(model.draw(500, keras.random.SeedGenerator(0))).T
    assert 0 < a.mean() < 1
    np.testing.assert_array_equal(b, 1 - a)
    np.testing.assert_array_equal(c, np.zeros(500))  # table[A][B] where A != B


def test_configuration():
    model = StructuralModel(
        CausalGraph([("aa", "a"), ("a/b", "a")], ODD), {**dict.fromkeys(ODD, 0.5), "a": [[0.1, 0.2], [0.3, 0.4]]}
    )
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert twin.graph == model.graph
    np.testing.assert_array_equal(twin.joint(), model.joint())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rain": [0.1, 0.2]}, r"'rain' must have the shape \(\)"),
        ({"sprinkler": 0.4}, r"shape \(2,\), an axis for each of its causes \['rain'\]"),
        ({"wet": np.full((2, 2, 2), 0.5)}, "'wet'"),
        ({"rain": 1.2}, r"values in \[0, 1\]"),
        ({"rain": float("nan")}, r"values in \[0, 1\]"),
        ({"snow": 0.1}, r"not in the graph: \['snow'\]"),
    ],
)
def test_tables_that_do_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        StructuralModel(CausalGraph(EDGES, NODES), {**WET, **change})


def test_other_refusals():
    with pytest.raises(ValueError, match=r"Without one: \['rain'\]"):
        StructuralModel(CausalGraph(EDGES, NODES), {k: v for k, v in WET.items() if k != "rain"})
    with pytest.raises(ValueError, match="probability 0"):
        sprinkler().marginals(condition={"sprinkler": 0, "rain": 0, "wet": 1})
    with pytest.raises(ValueError, match=r"Named ones.*celeba.*faces"):
        structural_model("celebs")


# Rejection -----------------------------------------------------------------------------------------------------------


def test_labels_come_as_a_dict_of_vectors_and_as_a_matrix():
    made = sprinkler().sample(7, seed=0)
    assert isinstance(made, LabelSamples)
    assert list(made) == NODES
    assert all(v.shape == (7,) and v.dtype == np.int64 for v in made.values())
    np.testing.assert_array_equal(made.matrix(), np.stack([made[n] for n in NODES], axis=1))
    assert made.acceptance_rate == 1.0


def counted(rate_of_first):
    """A source of two labels of which every n-th draw has A = 1, and the sizes it was asked for."""
    sizes, state = [], {"next": 0}

    def draw(size, do):
        sizes.append(size)
        places = np.arange(state["next"], state["next"] + size)
        state["next"] += size
        return np.stack([places % rate_of_first == 0, np.full(size, do.get("B", 0))], axis=1).astype(int)

    return draw, sizes


def test_the_acceptance_rate_is_that_of_all_draws():
    draw, sizes = counted(8)
    made = sample(CausalGraph(nodes=["A", "B"]), draw, 1000, {"B": 1}, {"A": 1})
    assert made.acceptance_rate == 1 / 8
    assert made["A"].tolist() == made["B"].tolist() == [1] * 1000
    assert sum(sizes) >= 8000


def test_rare_conditions_take_few_calls():
    draw, sizes = counted(100_000)
    made = sample(CausalGraph(nodes=["A", "B"]), draw, 6, condition={"A": 1})
    assert len(made["A"]) == 6
    assert len(sizes) < 15


def test_what_is_impossible_is_refused_with_the_number_of_draws():
    draw, sizes = counted(5000)
    names = CausalGraph(nodes=["A", "B"])
    with pytest.raises(ValueError, match=r"Of 12,345 draws under do={'A': 0} 0 met the condition {'B': 1}; 3 were asked"):
        sample(names, draw, 3, {"A": 0}, {"B": 1}, max_draws=12_345)
    assert sum(sizes) == 12_345
    with pytest.raises(ValueError, match="Of 20,000 draws 4 met"):
        sample(names, counted(5000)[0], 5, condition={"A": 1}, max_draws=20_000)
    with pytest.raises(ValueError, match="1,000,000 draws"):
        structural_model("celeba").sample(1, condition={"Male": 0, "Mustache": 1}, seed=0)
    # A likely condition is not refused because many samples are wanted.
    assert len(sample(names, counted(4)[0], 1000, condition={"A": 1}, max_draws=10)["A"]) == 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"do": {"snow": 1}}, "'snow' is no label"),
        ({"condition": {"snow": 1}}, "'snow' is no label"),
        ({"do": {"rain": 2}}, "`do` sets"),
        ({"condition": {"rain": 0.5}}, "`condition` sets"),
        ({"do": {"rain": 1}, "condition": {"rain": 0}}, r"contradicts the intervention in \['rain'\]"),
        ({"count": 0}, "count"),
        ({"count": 2.0}, "count"),
        ({"count": True}, "count"),
    ],
)
def test_what_cannot_be_sampled(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sprinkler().sample(**{"count": 3, **arguments})


def test_a_condition_that_agrees_with_the_intervention():
    made = sprinkler().sample(20, do={"rain": 1}, condition={"rain": 1}, seed=0)
    assert (made.acceptance_rate, made["rain"].min()) == (1.0, 1)


# Noisy labels --------------------------------------------------------------------------------------------------------


def test_noisy_labels_by_hand(monkeypatch):
    # U = 0.25 and 0.5 of the way from exp(-rate right) to 1.
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, **kwargs: ops.tile(ops.convert_to_tensor([[0.25, 0.5]]), (shape[0], 1))
    )
    soft = ops.convert_to_numpy(LabelNoise()(ops.convert_to_tensor([[0.0, 1.0]]), seed=0))[0]
    inward = -np.log(np.exp(-1) + 0.25 * (1 - np.exp(-1))) / 5
    outward = -np.log(np.exp(-4.5) + 0.5 * (1 - np.exp(-4.5))) / 15
    assert soft == pytest.approx([0.3 + inward - outward, 0.7 - inward + outward], rel=1e-5)


def test_noisy_labels_keep_their_side_and_share_their_noise():
    labels = np.random.default_rng(0).integers(0, 2, (20_000, 3)).astype("float32")
    soft = ops.convert_to_numpy(LabelNoise()(ops.convert_to_tensor(labels), keras.random.SeedGenerator(1)))
    assert ((soft > 0) & (soft < 1)).all()
    np.testing.assert_array_equal(soft > 0.5, labels > 0.5)
    assert soft[labels == 0].min() < 0.08  # of a range that begins at 0
    assert soft[labels == 0].max() > 0.45
    # One draw for an example: labels that are equal are equally soft, labels that differ lie opposite.
    distance = np.abs(soft - 0.5)
    np.testing.assert_allclose(distance, distance[:, :1].repeat(3, axis=1), atol=1e-6)
    # The mean of an exponential of rate r cut off at a: 1/r - a / (exp(r a) - 1).
    inward, outward = 1 / 5 - 0.2 / (np.e - 1), 1 / 15 - 0.3 / (np.exp(4.5) - 1)
    assert soft[labels == 0].mean() == pytest.approx(0.3 + inward - outward, abs=0.003)


def test_noise_of_labels_has_a_configuration_and_limits():
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(LabelNoise(25, 50)))
    assert (twin.inward, twin.outward) == (25.0, 50.0)
    for arguments in ({"inward": 0}, {"outward": -1.0}, {"inward": float("nan")}):
        with pytest.raises(ValueError, match="must be > 0"):
            LabelNoise(**arguments)


# Polynomials ---------------------------------------------------------------------------------------------------------


def residual_of(target, *inputs):
    """The share of the variance of a target that a cubic polynomial of inputs leaves."""
    terms = [np.ones_like(target)]
    for degree in (1, 2, 3):
        terms += [np.prod(c, axis=0) for c in itertools.combinations_with_replacement(inputs, degree)]
    basis = np.stack(terms, axis=1)
    rest = target - basis @ np.linalg.lstsq(basis, target, rcond=None)[0]
    return rest.var() / target.var()


@pytest.mark.parametrize(("name", "node", "parents"), [("collider", "X2", ("X1", "X3")), ("complete", "X3", ("X1", "X2"))])
def test_polynomials_of_two_causes_depend_on_both_and_on_noise(name, node, parents):
    """The published code forgets the second cause and the noise: there, the node is a function of the first."""
    for seed in range(4):
        model = PolynomialModel(name, seed)
        columns = dict(zip(model.graph.nodes, model.sample(20_000, seed=9).astype("float64").T, strict=True))
        first, second = (residual_of(columns[node], columns[p]) for p in parents)
        both = residual_of(columns[node], *(columns[p] for p in parents))
        assert both > 1e-3  # the noise of its own
        assert both < 0.995 * min(first, second)  # 16 idle terms would take 0.0008
    alone = PolynomialModel("collider", 1).sample(20_000, seed=2)
    assert abs(np.corrcoef(alone[:, 0], alone[:, 2])[0, 1]) < 0.03  # the causes know nothing of one another


def test_polynomials_lie_where_they_should():
    for name in ("line", "collider", "complete"):
        points = PolynomialModel(name, 3).sample(5000, seed=0)
        assert (points.shape, points.dtype) == ((5000, 3), np.float32)
        assert points.min() >= 0.05
        assert points.max() <= 0.95 + 1e-6
        assert (np.ptp(points, axis=0) > 0.3).all()
    np.testing.assert_array_equal(PolynomialModel("line", 3).sample(4, 1), PolynomialModel("line", 3).sample(4, 1))
    assert not np.array_equal(PolynomialModel("line", 3).sample(4, 1), PolynomialModel("line", 4).sample(4, 1))


def test_effects_see_their_causes_before_the_squeeze():
    """As in the authors' code, where a cause covers all of [0, 1], the grid of the rescaling too."""
    model = PolynomialModel(CausalGraph([("X1", "X2")]), 3)
    x1, x2 = (model.sample(1000, seed=0).astype("float64").T - 0.05) / 0.9
    rng, polynomial = np.random.default_rng(0), kgan.causal.structural._polynomial
    noises = {node: rng.uniform(size=1000) for node in model.graph.order}
    grid = np.linspace(0, 1, 21)
    for node, found, causes in (("X1", x1, []), ("X2", x2, [x1])):
        coefficients, *_ = model._nodes[node]
        axes = [a.ravel() for a in np.meshgrid(*[grid] * (1 + len(causes)), indexing="ij")]
        low, high = (bound(polynomial(coefficients, axes)) for bound in (np.min, np.max))
        expected = (polynomial(coefficients, [noises[node], *causes]) - low) / (high - low)
        np.testing.assert_allclose(found, expected.clip(0, 1), atol=2e-6)
    assert np.ptp(x1) > 0.97


def test_a_cubic_by_hand():
    coefficients = np.arange(8.0).reshape(2, 2, 2)
    x = np.array([0.5, 2.0])
    # (1, x) three times: C_000 + (C_001 + C_010 + C_100) x + (C_011 + C_101 + C_110) x^2 + C_111 x^3.
    np.testing.assert_allclose(kgan.causal.structural._polynomial(coefficients, [x]), 7 * x + 14 * x**2 + 7 * x**3)


def test_polynomials_of_many_causes_fit_into_memory():
    nodes = [f"X{i}" for i in range(6)]
    edges = [(a, "Y") for a in nodes]
    assert PolynomialModel(CausalGraph(edges)).sample(10, seed=0).shape == (10, 7)
