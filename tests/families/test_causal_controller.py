"""The wiring of labels and the causal controller: numbers by hand, interventions, samples, what is refused."""

import keras
import numpy as np
import pytest

import kgan
from kgan.causal import CausalGraph
from kgan.networks import CausalNetwork
from tests.causal.tables import Frame
from tests.families.causal_models import EAGER, evaluate, numpy_of, one_dimensional, small_controller, warned
from tests.families.pairs import Always, Z, linear, sigmoid

# The wiring ----------------------------------------------------------------------------------------------------------


def logistic(edges, nodes, noise_size=2):
    """A network of logistic nodes with random weights, and its answers in NumPy."""
    network = CausalNetwork(CausalGraph(edges, nodes), noise_size, hidden=())
    rng = np.random.default_rng(3)
    weights = [[rng.normal(size=v.shape).astype("float32") for v in node.weights] for node in network.nodes]
    for node, values in zip(network.nodes, weights, strict=True):
        node.set_weights(values)

    def answers(latents, do=None):
        made = {}
        for node in network.graph.order:
            place = nodes.index(node)
            causes = [made[p] for p in sorted((a for a, b in edges if b == node), key=nodes.index)]
            inputs = np.stack([*latents[:, place * noise_size : (place + 1) * noise_size].T, *causes], axis=1)
            kernel, bias = weights[place]
            made[node] = sigmoid(inputs @ kernel + bias)[:, 0]
            if node in (do or {}):
                made[node] = np.full(len(latents), float(do[node]))
        return np.stack([made[n] for n in nodes], axis=1)

    return network, answers


@pytest.mark.parametrize(
    ("edges", "nodes"),
    [
        ([("a", "aa"), ("aa", "aaa"), ("a", "aaa")], ["aaa", "a", "aa"]),  # parts of one another, columns against the causes
        ([("X1", "X2"), ("X3", "X2")], ["X1", "X2", "X3"]),
        ([("X1", "X10"), ("X10", "X100")], ["X10", "X1", "X100"]),
    ],
)
def test_labels_follow_the_graph_by_hand(edges, nodes, rng):
    network, answers = logistic(edges, nodes)
    latents = rng.uniform(-1, 1, (5, 6)).astype("float32")
    # Between 0 and 1: children see their parents as they are, not rounded.
    np.testing.assert_allclose(numpy_of(network(latents)), answers(latents), atol=1e-5)
    for do in ({nodes[0]: 1}, {nodes[1]: 0}, {nodes[1]: 1, nodes[2]: 0}):
        np.testing.assert_allclose(numpy_of(network(latents, do=do)), answers(latents, do), atol=1e-5)


def test_an_intervention_reaches_descendants_alone(rng):
    network = CausalNetwork("line", noise_size=2, hidden=(4,))
    latents = rng.uniform(-1, 1, (6, 6)).astype("float32")
    before = numpy_of(network(latents))
    network.nodes[1].set_weights([np.full(w.shape, np.nan) for w in network.nodes[1].get_weights()])  # is not asked
    after = numpy_of(network(latents, do={"X2": 1}))
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    np.testing.assert_array_equal(after[:, 1], 1.0)
    expected = network.nodes[2](np.concatenate([latents[:, 4:], np.ones((6, 1), "float32")], axis=1))
    np.testing.assert_allclose(after[:, 2], sigmoid(numpy_of(expected))[:, 0], atol=1e-6)
    assert (after[:, 2] != before[:, 2]).all()
    with pytest.raises(ValueError, match="'x2' is no label"):
        network(latents, do={"x2": 1})


def test_rounded_samples_of_the_network_are_those_of_its_graph():
    """Weights that make X2 = not X1 for certain: what do and condition must give can be said."""
    network = CausalNetwork(CausalGraph([("X1", "X2")]), noise_size=1, hidden=())
    network.nodes[0].set_weights([np.array([[100.0]]), np.zeros(1)])  # the sign of its noise
    network.nodes[1].set_weights([np.array([[0.0], [-100.0]]), np.array([50.0])])
    made = network.sample(2000, seed=0)
    assert made["X1"].mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(made["X2"], 1 - made["X1"])
    made = network.sample(2000, do={"X2": 1}, seed=0)
    assert (made["X2"].min(), made["X1"].mean()) == (1, pytest.approx(0.5, abs=0.05))
    made = network.sample(2000, condition={"X2": 1}, seed=0)
    assert (made["X2"].min(), made["X1"].max(), made.acceptance_rate) == (1, 0, pytest.approx(0.5, abs=0.05))
    assert network.sample(10, do={"X1": 1}, condition={"X2": 0}, seed=0).acceptance_rate == 1.0
    with pytest.raises(ValueError, match=r"Of 5,000 draws under do=.'X1': 1. 0 met"):
        network.sample(1, do={"X1": 1}, condition={"X2": 1}, max_draws=5000)
    drawn = numpy_of(network.draw(100, keras.random.SeedGenerator(0)))
    assert set(np.unique(drawn)) == {0.0, 1.0}


def test_the_published_controller():
    network = CausalNetwork("celeba")
    assert network.input_shape == (None, 90)
    shapes = [[tuple(w.shape) for w in node.weights[::2]] for node in network.nodes]
    assert shapes[-1] == [(13, 10), *[(10, 10)] * 4, (10, 1)]  # ten numbers of noise, three causes
    assert shapes[0] == [(10, 10), *[(10, 10)] * 4, (10, 1)]
    noise = numpy_of(network.noise(500, 1))
    assert noise.min() == pytest.approx(-1, abs=0.01)
    assert noise.max() == pytest.approx(1, abs=0.01)
    model = kgan.CausalController("celeba")
    assert [tuple(w.shape) for w in model.discriminator.weights[::2]] == [(9, 15), *[(15, 15)] * 4, (15, 1)]
    assert (model.discriminator_steps, model.penalty_weight) == (20, 0.1)
    for optimizer in model.default_optimizers().values():
        assert (float(optimizer.learning_rate), optimizer.beta_1, optimizer.beta_2) == (pytest.approx(8e-5), 0.9, 0.999)


# The controller ------------------------------------------------------------------------------------------------------


def test_both_losses_of_the_controller_by_hand():
    network = CausalNetwork(CausalGraph([("A", "B")]), 1, hidden=(), prior=Always())
    network.nodes[0].set_weights([np.array([[0.2]]), np.array([0.1])])
    network.nodes[1].set_weights([np.array([[-0.3], [2.0]]), np.array([0.0])])
    critic = linear([2], [[3.0], [4.0]], "discriminator")
    model = kgan.CausalController(generator=network, discriminator=critic, penalty_weight=0.1, seed=0)
    model.compile()
    a = sigmoid(0.2 * Z + 0.1)
    fake = 3 * a + 4 * sigmoid(-0.3 * Z + 2.0 * a)  # outputs as they are, not rounded
    labels = [[1, 0], [1, 1], [0, 0]]
    terms, _ = evaluate(model, "discriminator", labels)
    assert terms["adversarial"] == pytest.approx(fake - (3 + 7 + 0) / 3, rel=1e-5)
    assert terms["gradient_penalty"] == pytest.approx(0.1 * (5 - 1) ** 2, rel=1e-5)
    terms, _ = evaluate(model, "generator", labels)
    assert terms["adversarial"] == pytest.approx(-fake, rel=1e-5)


def test_labels_are_taken_by_name(rng):
    table = {name: rng.integers(0, 2, 60) for name in ("X3", "X1", "X2")}
    results = []
    matrix = np.stack([table[n] for n in ("X1", "X2", "X3")], axis=1)
    for labels in (matrix, table, Frame(table), matrix.astype(bool)):
        keras.utils.set_random_seed(1)
        model = small_controller()
        model.compile(run_eagerly=EAGER)
        model.fit(labels, batch_size=20, verbose=0)
        results.append([numpy_of(v) for v in model.trainable_variables])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    # What streams bring is put in order in the step.
    np.testing.assert_array_equal(numpy_of(model.unpack(table)), matrix)
    with pytest.raises(ValueError, match="not in the graph"):
        model.unpack({**table, "X4": table["X1"]})


def test_the_controller_refuses(rng):
    model = small_controller()
    model.compile(run_eagerly=EAGER)
    labels = rng.integers(0, 2, (100, 3))
    late = labels.copy()
    late[97, 1] = 2  # long after the first round
    for data, message in (
        (late, "'X2' is 2 in example 97"),
        (2 * labels - 1, "must be 0 or 1"),
        (labels + 0.5, "must be 0 or 1"),
        (labels[:, :2], r"\(count, 3\)"),
        ({"X1": labels[:, 0], "X2": labels[:, 1], "x3": labels[:, 2]}, r"Missing: \['X3'\]; not in the graph: \['x3'\]"),
    ):
        for call in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match=message):
                call(data, batch_size=20, verbose=0)
    assert warned(lambda: model.fit(labels * [0, 1, 1], batch_size=50, verbose=0), "X1 is never 1")
    for make, error, message in (
        (lambda: kgan.CausalController(), ValueError, "Give `graph`"),
        (lambda: kgan.CausalController([("A", "B"), ("B", "A")]), ValueError, "cycles"),
        (lambda: kgan.CausalController(generator=linear([3], np.ones((3, 3)), "generator")), TypeError, "CausalNetwork"),
        (lambda: kgan.CausalController("line", generator=CausalNetwork("collider")), ValueError, "differ"),
        (lambda: CausalNetwork("line", noise_size=0), ValueError, "noise_size"),
        (lambda: model.sample(3, do={"X4": 1}), ValueError, "'X4' is no label"),
        (lambda: model.sample(3, do={"X1": 2}), ValueError, "0 or 1"),
        (lambda: model.sample(3, do={"X1": 1}, condition={"X1": 0}), ValueError, "contradicts"),
        (lambda: model.generate(3, condition={"X1": 0}), ValueError, "not conditional"),
    ):
        with pytest.raises(error, match=message):
            make()


def test_samples_of_the_controller():
    model = small_controller()
    made = model.sample(50, do={"X1": 1}, condition={"X3": 0}, seed=1, max_draws=10_000)
    assert (made["X1"].min(), made["X3"].max(), made.matrix().shape) == (1, 0, (50, 3))
    np.testing.assert_array_equal(model.sample(50, seed=1).matrix(), np.round(model.generate(50, seed=1)))
    assert not np.array_equal(model.sample(50).matrix(), model.sample(50).matrix())


def test_a_copy_with_averaged_weights_is_what_goes_into_stage_two():
    model = small_controller()
    model.compile(averages={"generator": 0.5})
    averaged = [numpy_of(w).copy() for w in model.generator.weights]
    model.generator.set_weights([w + 1 for w in averaged])
    latents = numpy_of(model.generator.noise(3, 0))
    for source, expected in ((model, averaged), (model.generator, [w + 1 for w in averaged])):
        system = kgan.CausalGAN(source, **one_dimensional(labels=3), noise_size=1)
        assert system.controller is not model.generator
        for value, weight in zip(expected, system.controller.weights, strict=True):
            np.testing.assert_array_equal(numpy_of(weight), value)
        before = numpy_of(system.controller(latents))
        model.generator.set_weights([2 * w for w in averaged])  # its owner goes on
        np.testing.assert_array_equal(numpy_of(system.controller(latents)), before)
        model.generator.set_weights([w + 1 for w in averaged])
    np.testing.assert_array_equal(model.sample(40, seed=2).matrix(), model.network().sample(40, seed=2).matrix())
