"""Consensus and unrolled losses against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan import Consensus, Move, Turn, backend
from kgan.engine import unrolled
from tests.games import Bilinear, ones, sgd


def step(model, rounds=1):
    model.compile()
    model.fit(ones(4 * rounds), batch_size=4, shuffle=False, verbose=0)
    return model.point()


def test_consensus_on_the_bilinear_game():
    # u = (theta, -psi), J^T u = (psi, theta): psi <- psi - h (theta + g psi), theta <- theta - h (-psi + g theta).
    g, h = 2.0, 0.1
    model = Bilinear(psi=1.0, theta=0.5, turns_of=lambda m: (Turn((m.d_move(), m.g_move()), rule=Consensus(g)),))
    assert step(model) == pytest.approx((1.0 - h * (0.5 + g * 1.0), 0.5 - h * (-1.0 + g * 0.5)))


def test_consensus_damps_the_rotation_as_its_eigenvalues_say():
    # The map is I + h [[-g, -1], [1, -g]]: the radius shrinks by |1 - h g + i h| per step.
    g, h, rounds = 1.0, 0.1, 20
    model = Bilinear(psi=1.0, theta=0.0, turns_of=lambda m: (Turn((m.d_move(), m.g_move()), rule=Consensus(g)),))
    assert np.hypot(*step(model, rounds)) == pytest.approx(np.hypot(1 - h * g, h) ** rounds, rel=1e-4)


def test_simultaneous_descent_rotates_outwards():
    model = Bilinear(psi=1.0, theta=0.0, turns_of=lambda m: (Turn((m.d_move(), m.g_move())),))
    assert np.hypot(*step(model, 20)) == pytest.approx(np.hypot(1, 0.1) ** 20, rel=1e-4)


def test_consensus_of_networks_is_the_gradient_of_half_the_squared_norm(rng):
    """Finite differences of 1/2 ||u||^2, which differ from J u by the sign of the off-diagonal blocks."""
    a, b = (ops.convert_to_tensor(rng.normal(size=3).astype("float32")) for _ in range(2))

    def losses(x, y):
        return ops.sum(ops.sin(x) * y) + 0.5 * ops.sum(x**3), -ops.sum(ops.sin(x) * y) + ops.sum(ops.cos(y))

    def field(x, y):
        x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
        u = backend.value_and_gradients(lambda t: (losses(t[0], y)[0], None), [x])[1][0]
        v = backend.value_and_gradients(lambda t: (losses(x, t[0])[1], None), [y])[1][0]
        return [ops.convert_to_numpy(g).astype("float64") for g in (u, v)]

    class Smooth(Bilinear):
        def __init__(self):
            super().__init__()
            from tests.games import Weight

            self.discriminator = Weight(ops.convert_to_numpy(a).tolist(), name="x")
            self.generator = Weight(ops.convert_to_numpy(b).tolist(), name="y")

        def turns(self):
            def loss(index):
                return lambda batch: losses(self.discriminator(), self.generator())[index]

            moves = Move("discriminator", ("discriminator",), loss(0)), Move("generator", ("generator",), loss(1))
            return (Turn(moves, rule=Consensus(1.0)),)

        def default_optimizers(self):
            return sgd("discriminator", "generator", rate=1.0)

    model = Smooth()
    model.compile()
    model.fit(ones(4), batch_size=4, verbose=0)
    x, y = ops.convert_to_numpy(a).astype("float64"), ops.convert_to_numpy(b).astype("float64")
    u = field(a, b)
    numeric, eps = [np.zeros(3), np.zeros(3)], 1e-3
    for which in range(2):
        for i in range(3):
            half = []
            for sign in (1, -1):
                point = [x.copy(), y.copy()]
                point[which][i] += sign * eps
                half.append(0.5 * sum((g**2).sum() for g in field(*[p.astype("float32") for p in point])))
            numeric[which][i] = (half[0] - half[1]) / (2 * eps)
    for network, old, g, extra in zip((model.discriminator, model.generator), (x, y), u, numeric, strict=True):
        moved = np.asarray(ops.convert_to_numpy(network.weight))
        np.testing.assert_allclose(moved, old - g - extra, atol=2e-3)


def test_consensus_refuses_shared_players():
    shared = Move("again", ("generator",), lambda x: ops.mean(x))

    class Shared(Bilinear):
        def turns(self):
            return (Turn((self.g_move(), shared), rule=Consensus()),)

        def default_optimizers(self):
            return sgd("generator", "again")

    with pytest.raises(ValueError, match="disjoint players"):
        step(Shared())
    with pytest.raises(ValueError, match="weight"):
        Consensus(-1.0)


def unrolling(steps, optimizer=None):
    """The generator descends -V at the discriminator after k virtual steps; the discriminator itself moves normally."""

    class Unrolled(Bilinear):
        def turns(self):
            def generator_loss(x):
                return unrolled(
                    lambda: -self.value(x),
                    lambda: self.value(x),
                    self.discriminator.trainable_variables,
                    steps,
                    self.optimizer["discriminator"],
                )

            return (Turn((self.d_move(), Move("generator", ("generator",), generator_loss))),)

        def default_optimizers(self):
            return {**sgd("generator"), "discriminator": optimizer or keras.optimizers.SGD(0.2)}

    return Unrolled(psi=1.0, theta=0.5)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_unrolled_gradient_has_the_slope_of_the_closed_form(steps):
    # psi_k = psi - k r theta, loss -psi_k theta: slope -psi + 2 k r theta.
    psi, theta, rate = 1.0, 0.5, 0.2
    point = step(unrolling(steps))
    assert point == pytest.approx((psi - rate * theta, theta - 0.1 * (-psi + 2 * steps * rate * theta)), abs=1e-6)


def test_unrolled_steps_leave_the_opponents_state_alone():
    model = unrolling(4)
    step(model)
    assert float(model.discriminator.calls) == 1.0
    assert int(model.optimizer["discriminator"].iterations) == 1


def test_unrolled_adam_continues_from_the_real_slots_and_is_differentiated_through():
    """Central differences of the whole chain, Adam's recursion included, after some real steps."""
    rate, warm = 0.05, 5
    model = unrolling(3, keras.optimizers.Adam(rate, 0.5, 0.9, epsilon=1e-8))
    step(model, warm)
    psi, theta = model.point()
    m, v = (
        float(ops.convert_to_numpy(s)[0])
        for name in ("momentum", "velocity")
        for s in model.optimizer["discriminator"].variables
        if s.path.endswith(name)
    )

    def after(theta):
        p, mean, square = psi, m, v
        for k in range(1, 4):
            g = theta
            mean, square = 0.5 * mean + 0.5 * g, 0.9 * square + 0.1 * g * g
            t = warm + k
            p -= rate * np.sqrt(1 - 0.9**t) / (1 - 0.5**t) * mean / (np.sqrt(square) + 1e-8)
        return -p * theta

    slope = (after(theta + 1e-5) - after(theta - 1e-5)) / 2e-5
    model.fit(ones(4), batch_size=4, verbose=0)
    assert model.point()[1] == pytest.approx(theta - 0.1 * slope, abs=1e-5)


@pytest.mark.parametrize("momentum", [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_unrolled_momentum_follows_the_optimizer_itself(momentum):
    """With a linear loss the unrolled value equals that of really taking the steps."""
    optimizer = keras.optimizers.SGD(0.1, **momentum)
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    optimizer.apply([ops.convert_to_tensor([0.3])], [variable])
    expected = keras.Variable(variable)
    twin = keras.optimizers.SGD(0.1, **momentum)
    twin.build([expected])
    for mine, real in zip(twin.variables, optimizer.variables, strict=True):
        mine.assign(real)
    value = unrolled(lambda: ops.sum(variable), lambda: ops.sum(variable) * 0.7, [variable], 2, optimizer)
    for _ in range(2):
        twin.apply([ops.convert_to_tensor([0.7])], [expected])
    assert float(value) == pytest.approx(float(ops.convert_to_numpy(expected)[0]), abs=1e-6)


def test_unrolled_refuses_what_it_cannot_do():
    variable = keras.Variable([1.0])
    optimizer = keras.optimizers.RMSprop(0.1)
    optimizer.build([variable])
    with pytest.raises(TypeError, match="RMSprop"):
        unrolled(lambda: 0.0, lambda: 0.0, [variable], 1, optimizer)
    with pytest.raises(ValueError, match="steps"):
        unrolled(lambda: 0.0, lambda: 0.0, [variable], -1, optimizer)
