"""Proof of IntentionGAIL: the step beside an exact Fisher matrix, optima in closed form, a point mass with two goals, MuJoCo's arm with two
hidden targets; with the intention's term, without it (GAIL), and behavior cloning.
"""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import backend, control, objectives
from kgan.networks.control import gaussian_policy, perceptron

SKILLS = np.eye(2, dtype="float32")


# The step ----------------------------------------------------------------------------------------------------------------


def _parameters(policy, states):
    return ops.split(policy(states), 2, axis=-1)


def _score(policy, state, action):
    """The gradient of log pi(a | s) in all weights."""

    def density(values):
        with backend.Overlay(zip(policy.trainable_variables, values, strict=True)):
            return ops.sum(objectives.gaussian_log_density(action, *_parameters(policy, state))), None

    _, found = backend.value_and_gradients(density, [backend.constant(v) for v in policy.trainable_variables])
    return ops.convert_to_numpy(backend.flat(found)).astype("float64")


def exact_step(report, seed, steps):
    """Part A: products with the Fisher information beside the matrix, by an exact quadrature over actions; the step beside NumPy's."""
    rng = np.random.default_rng(seed)
    policy = gaussian_policy(2, 2, hidden=(3,), log_std=-0.3)
    for v in policy.trainable_variables:
        v.assign(rng.normal(0.0, 0.5, v.shape).astype("float32"))
    states = rng.normal(size=(5, 2)).astype("float32")
    means, log_stds = (ops.convert_to_numpy(p) for p in _parameters(policy, states))
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    fisher = 0.0
    for index, state in enumerate(states):
        for x, p in zip(nodes, weights / weights.sum(), strict=True):
            for y, q in zip(nodes, weights / weights.sum(), strict=True):
                action = (means[index] + np.exp(log_stds[index]) * np.array([x, y])).astype("float32")[None]
                score = _score(policy, state[None], action)
                fisher = fisher + p * q * np.outer(score, score) / len(states)
    fixed = [ops.stop_gradient(p) for p in _parameters(policy, states)]

    def divergence():
        return ops.mean(objectives.gaussian_divergence(*fixed, *_parameters(policy, states)))

    products = np.stack(
        [
            ops.convert_to_numpy(
                control.fisher_vector_product(divergence, policy.trainable_variables, ops.convert_to_tensor(unit))
            )
            for unit in np.eye(len(fisher), dtype="float32")
        ]
    )
    error = float(np.abs(products - fisher).max())
    report.figure("A error of products with the Fisher matrix", error, "< 2e-5", error < 2e-5, seed)
    actions = (means + np.exp(log_stds) * rng.normal(size=means.shape)).astype("float32")
    advantages = rng.normal(size=5).astype("float32")
    before = ops.stop_gradient(objectives.gaussian_log_density(actions, *fixed))

    def evaluate():
        density = objectives.gaussian_log_density(actions, *_parameters(policy, states))
        return ops.mean(ops.exp(density - before) * ops.convert_to_tensor(advantages)), divergence()

    step = control.trust_region_step(evaluate, policy.trainable_variables, 0.01, damping=0.1, iterations=20)
    slope = np.mean([a * _score(policy, s[None], b[None]) for s, b, a in zip(states, actions, advantages, strict=True)], axis=0)
    matrix = fisher + 0.1 * np.eye(len(slope))
    natural = np.linalg.solve(matrix, slope)
    full = natural * np.sqrt(0.02 / (natural @ matrix @ natural)) * float(step.fraction)
    error = float(np.linalg.norm(ops.convert_to_numpy(step.direction) - full) / np.linalg.norm(full))
    report.figure("A error of the step, relative", error, "< 1e-3", error < 1e-3, seed)


# Optima ------------------------------------------------------------------------------------------------------------------


def _optima_model(seed):
    """A policy at rest that acts by N(+-0.2, 0.1^2) for the two intentions, whatever it sees."""
    policy = gaussian_policy(3, 1, hidden=(), log_std=float(np.log(0.1)))
    policy.get_layer("means").set_weights([np.array([[0.0], [0.2], [-0.2]]), np.zeros(1)])
    model = kgan.IntentionGAIL(
        1, 1, policy=policy, discriminator=perceptron(2, hidden=(32, 32)), posterior=perceptron(2, 2, (32, 32), name="posterior"), seed=seed
    )  # fmt: skip
    model.compile(optimizers={"policy": keras.optimizers.SGD(0.0)})
    return model


def optima(report, seed, steps):
    """Part B: the policy at rest, experts at N(+-0.3, 0.1^2): D is p_E / (p_E + p_pi), p(i | s, a) is Bayes'."""
    model = _optima_model(seed)

    def make_round(epoch, step):
        rng = np.random.default_rng((seed, epoch, step))
        told, signs = SKILLS[rng.integers(2, size=64)], rng.choice([-0.3, 0.3], size=(64, 16, 1))
        arrays = {
            "observations": rng.normal(size=(64, 17, 1)),
            "actions": 0.2 * (told @ [1.0, -1.0])[:, None, None] + 0.1 * rng.normal(size=(64, 16, 1)),
            "intentions": told,
            "alive": np.ones((64, 17)),
            "expert_observations": rng.normal(size=(64, 16, 1)),
            "expert_actions": signs + 0.1 * rng.normal(size=(64, 16, 1)),
        }
        return {name: array.astype("float32") for name, array in arrays.items()}

    model.fit_from(make_round, epochs=1, steps_per_epoch=steps, verbose=0)
    actions = np.linspace(-0.5, 0.5, 101)
    pairs = np.stack([np.zeros(101), actions], -1).astype("float32")

    def density(middle):
        return np.exp(-0.5 * ((actions - middle) / 0.1) ** 2)

    expert, policy = (0.5 * (density(m) + density(-m)) for m in (0.3, 0.2))
    found = 1.0 / (1.0 + np.exp(-ops.convert_to_numpy(model.discriminator(pairs))[:, 0]))
    error = float(np.abs(found - expert / (expert + policy)).max())
    report.figure("B largest error of D", error, "< 0.08", error < 0.08, seed)
    found = ops.convert_to_numpy(ops.softmax(model.posterior(pairs)))[:, 0]
    error = float(np.abs(found - density(0.2) / (density(0.2) + density(-0.2))).max())
    report.figure("B largest error of the posterior", error, "< 0.05", error < 0.05, seed)


# Imitation ---------------------------------------------------------------------------------------------------------------


def _outcomes(world, played, near):
    """The goal that every episode ended within `near` of, or the number of goals, and the share that reached one."""
    distances = world.distances(played.last)
    reached = distances.min(-1) < near
    return np.where(reached, distances.argmin(-1), distances.shape[-1]), float(reached.mean())


def _imitate(report, seed, rounds, part, world, experts, near, least, information, batch, aside=None):
    """Both weights on one world, and cloning: shares that reach a goal, and what the intention says about which."""
    told, seeds = np.arange(batch) % 2, range(10_000, 10_000 + batch)
    for weight, name in ((0.5, "with the term"), (0.0, "GAIL")):
        model = kgan.IntentionGAIL(
            environment=control.describe(world), information_weight=weight, seed=seed, **experts.statistics()
        )  # fmt: skip
        model.compile()
        history = model.imitate(world, experts, epochs=rounds, verbose=0).history
        played = model.play(world, told, seeds)
        goals, reached = _outcomes(world, played, near)
        shared = kgan.metrics.shared_information(told, goals)
        report.figure(f"{part} {name}: reached a goal", reached, f">= {least}", reached >= least, seed)
        bar = f">= {information}" if weight else "<= 0.15"
        ok = shared >= information if weight else shared <= 0.15
        report.figure(f"{part} {name}: information of intention and goal, nats", shared, bar, ok, seed)
        report.figure(
            f"{part} {name}: smaller share of a goal", float(np.bincount(goals, minlength=2)[:2].min() / batch), seed=seed
        )
        for what, of in (aside or {}).items():
            shared = kgan.metrics.shared_information(told, of(played))
            report.figure(f"{part} {name}: information of intention and {what}, nats", shared, seed=seed)
        largest = max(history["policy/kl"])
        claimed = float(np.mean(history["posterior/information"][-10:]))
        report.figure(f"{part} {name}: information that the posterior finds in states and actions, nats", claimed, seed=seed)
        report.figure(f"{part} {name}: largest KL of a step", largest, "<= 0.01", largest <= 0.01, seed)
        if weight:
            cloned = gaussian_policy(
                model.observation_size + 2, model.action_size, center=model.observation_center, scale=model.observation_scale
            )
            space = world.single_action_space
            scaled = control.Demonstrations(experts.observations, control.to_unit(experts.actions, space))
            control.clone_behavior(cloned, scaled, 2, steps=max(5 * rounds, 10), seed=seed)
            goals, share = _outcomes(world, control.rollout(control.actor(cloned), world, SKILLS[told], seeds), near)
            report.figure(f"{part} behavior cloning: reached a goal", share, f"< {least}", share < least, seed)
            shared = kgan.metrics.shared_information(told, goals)
            report.figure(
                f"{part} behavior cloning: information of intention and goal, nats", shared, "<= 0.15", shared <= 0.15, seed
            )


def point_mass(report, seed, steps):
    """Part C: 50 mixed demonstrations of two goals, starts N(0, I), 64 episodes of 35 steps a round."""
    world = control.PointMass(64)
    goals = SKILLS[np.arange(50) % 2]
    experts = control.Demonstrations.record(
        control.PointMass(50), world.expert, goals, range(seed * 100 + 1000, seed * 100 + 1050)
    )
    _imitate(report, seed, steps, "C", world, experts, 0.4, 0.95, 0.6, 512)


def reacher(report, seed, steps):
    """Part D: 40 mixed demonstrations of two hidden targets, those that end within 3 cm; 32 arms of 50 steps a round; goals of 4 cm."""
    many = control.TwoTargetReacher(50)
    goals = SKILLS[np.arange(50) % 2]
    experts = control.Demonstrations.record(many, many.expert, goals, range(seed * 100 + 1000, seed * 100 + 1050))
    ends = np.cumsum(experts.lengths) - 1
    arrived = many.distances(experts.observations[ends])[np.arange(50), goals.argmax(1)] < 0.03
    kept = [index for skill in (0, 1) for index in np.flatnonzero(arrived & (goals.argmax(1) == skill))[:20]]
    report.figure("D demonstrations", float(len(kept)), "40", len(kept) == 40, seed)
    many.close()
    world = control.TwoTargetReacher(32)
    # What else an intention may say: an arm reaches a target with its elbow on either side, and turns either way. Observations hold the
    # cosines of both joints, then the sines, then their speeds.
    aside = {
        "side of the elbow": lambda played: (played.last[:, 3] > 0).astype(int),
        "sign of the first action": lambda played: (played.actions[:, 0, 0] > 0).astype(int),
    }
    _imitate(report, seed, steps, "D", world, experts.take(kept), 0.04, 0.8, 0.5, 320, aside)
    world.close()


PARTS = {"A": (exact_step, 1), "B": (optima, 1500), "C": (point_mass, 600), "D": (reacher, 400)}


if __name__ == "__main__":
    run("intention_gail", __doc__, PARTS)
