"""First and second derivatives of every objective and penalty are finite, at corners too: `Consensus` differentiates twice."""

import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import backend, objectives, penalties
from kgan.objectives.f_divergences import DIVERGENCES

ALPHAS = (-2.0, -0.5, 0.5, 0.99, 1.01, 1.5, 2.0, 3.0, 5.0)
# The kinks of every alpha > 1, zero from both sides, the ends of the clipped exponents, and far beyond them.
KINKS = [-1.0 / (a - 1.0) for a in ALPHAS if a > 1]
GRID = np.array(
    [-1e6, -1e3, -80.0, -30.0, -5.0, -1.0, -0.3, -1e-8, 0.0, 1e-8, 0.3, 1.0, 5.0, 30.0, 80.0, 1e3, 1e6]
    + [k * (1.0 + d) for k in KINKS for d in (-1e-6, 0.0, 1e-6)],
    "float32",
)


def f_divergences():
    for divergence, link, trick in itertools.product(DIVERGENCES, ("nowozin", "logistic", "matsushita"), (False, True)):
        if divergence == "total_variation" and link != "nowozin":
            continue
        for alpha in ALPHAS if divergence == "alpha" else (None,):
            pi = 0.3 if divergence == "weighted_jensen_shannon" else None
            yield objectives.FDivergence(divergence, link, trick, alpha=alpha, pi=pi)


ALL = [*map(objectives.get, objectives.names()), objectives.OneSidedSmoothing(0.9), *f_divergences()]


def derivatives(function, *points):
    """The gradients of a scalar function, and those of the sum of their entries: of a sum over examples, all second derivatives."""

    def first(tensors):
        _, gradients = backend.value_and_gradients(lambda t: (function(*t), None), tensors, differentiable=True)
        return sum(ops.sum(g) for g in gradients), gradients

    (_, gradients), seconds = backend.value_and_gradients(first, [ops.convert_to_tensor(p) for p in points])
    # Plus 0: what torch knows to be zero has no memory, and no NumPy array.
    return [[ops.convert_to_numpy(ops.stop_gradient(g) + 0.0) for g in each] for each in (gradients, seconds)]


def check_finite(function, *points):
    for order, values in enumerate(derivatives(function, *points), 1):
        for value, at in zip(values, points, strict=True):
            assert np.isfinite(value).all(), f"derivative {order} is {value[~np.isfinite(value)]} at {at[~np.isfinite(value)]}"


@pytest.mark.parametrize("objective", ALL, ids=lambda objective: objective.name)
def test_objectives_of_logits(objective):
    logits = GRID[:, None]
    check_finite(objective.discriminator, logits, logits.copy())
    check_finite(objective.generator, logits)


@pytest.mark.parametrize("alpha", [1.5, 2.0, 3.0, 5.0])
def test_the_conjugate_of_an_alpha_divergence_by_hand(alpha):
    # f*(v) = (b^p - 1) / alpha with b = (alpha - 1) v + 1 and p = alpha / (alpha - 1), so f*' = b^(p - 1), f*'' = b^(p - 2).
    objective = objectives.FDivergence("alpha", alpha=alpha)
    v = np.array([-9.0, -0.1, 0.0, 0.7, 4.0], "float32")
    base, power = (alpha - 1.0) * v + 1.0, alpha / (alpha - 1.0)
    positive = np.where(base > 0, base, 1.0)
    ((first,), (second,)) = derivatives(lambda t: ops.sum(objective.conjugate(t)), v)
    np.testing.assert_allclose(first, np.where(base > 0, positive ** (power - 1.0), 0.0), rtol=1e-5)
    np.testing.assert_allclose(second, np.where(base > 0, positive ** (power - 2.0), 0.0), rtol=1e-5)


# Points at which something is 0, equal or enormous.
SETS = {
    "equal": (np.ones((4, 3), "float32"), np.ones((4, 3), "float32")),
    "zero": (np.zeros((4, 3), "float32"), np.zeros((4, 3), "float32")),
    "almost equal": (np.ones((4, 3), "float32"), np.ones((4, 3), "float32") + np.float32(1e-7)),
    "tiny": (np.zeros((4, 3), "float32"), np.full((4, 3), 1e-18, "float32")),
    "denormal": (np.zeros((4, 3), "float32"), np.full((4, 3), 1e-21, "float32")),
    "far": (np.full((4, 3), -1e3, "float32"), np.full((4, 3), 1e3, "float32")),
    "mixed": (np.eye(4, 3, dtype="float32"), 2.0 * np.eye(4, 3, k=1, dtype="float32")),
}
KERNEL = objectives.GaussianKernel()
LABELS = np.array([[0.0, 1.0, 0.5]] * 4, "float32")
CODES = kgan.codes.Categorical(3), kgan.codes.Continuous(3), kgan.codes.Continuous(1, learn_variance=True)
PAIRS = {
    "biased_mmd2": lambda a, b: objectives.biased_mmd2(a, b, KERNEL),
    "unbiased_mmd2": lambda a, b: objectives.unbiased_mmd2(a, b, KERNEL),
    "linear_time_mmd2": lambda a, b: objectives.linear_time_mmd2(a, b, KERNEL),
    "mmd": lambda a, b: objectives.mmd(a, b, KERNEL),
    "squared_distances": lambda a, b: ops.sum(objectives.squared_distances(a, b)),
    "feasible_set": objectives.feasible_set,
    "feature_matching": objectives.feature_matching,
    "feature_matching, power 1": lambda a, b: objectives.feature_matching(a, b, power=1),
    "unsupervised": objectives.unsupervised,
    "class_cross_entropy": lambda a, b: objectives.class_cross_entropy(a + b, np.array([0, 1, 2, 0])),
    "latent_reconstruction": objectives.latent_reconstruction,
    "shape_distance": objectives.shape_distance,
    "mean_absolute": objectives.mean_absolute,
    "mean_square": objectives.mean_square,
    "normal_divergence": lambda a, b: objectives.normal_divergence(a, ops.clip(b, -80.0, 80.0)),
    "bit_cross_entropy": lambda a, b: objectives.bit_cross_entropy(LABELS - 0.5, a - b),
    "label_cross_entropy": lambda a, b: objectives.label_cross_entropy(a - b, LABELS),
    "swapped_label_cross_entropy": lambda a, b: objectives.swapped_label_cross_entropy(a - b, 0.01 + 0.98 * LABELS),
    "squared_label_difference": lambda a, b: objectives.squared_label_difference(a - b, LABELS),
    "absolute_label_difference": lambda a, b: objectives.absolute_label_difference(a - b, LABELS),
    "marginal_energy": lambda a, b: objectives.marginal_energy(ops.sum(a - b, axis=1), data_size=1000),
    "boltzmann_reward": objectives.boltzmann_reward,
    "baseline_error": lambda a, b: objectives.baseline_error(a, b, ops.ones((4, 3))),
    "reinforce": lambda a, b: objectives.reinforce(a, b, ops.ones((4, 3))),
    "masked_cross_entropy": lambda a, b: objectives.masked_cross_entropy(a - b, ops.ones((4, 3))),
    **{
        f"mutual_information, {i}": (lambda a, b, code=code: objectives.mutual_information(code, a, b[:, : code.size]))
        for i, code in enumerate(CODES)
    },
    "class_critic": lambda a, b: ops.sum(objectives.class_critic(a - b)),
    "second_moment": objectives.second_moment,
    "fisher_distance": objectives.fisher_distance,
    "fisher_constraint": lambda a, b: objectives.fisher_constraint(objectives.second_moment(a, b), 0.3, 0.1),
    "log_softplus": lambda a, b: ops.sum(objectives.log_softplus(a - b)),
    "ratio_loss": lambda a, b: objectives.ratio_loss(a, b, 0.2),
    "dual_generator": lambda a, b: objectives.dual_generator(a, b, 0.1),
    "dualing_primal": lambda a, b: objectives.dualing_primal(ops.ones((3,)), a, b, 0.1),
    "dualing_shares": lambda a, b: sum(ops.sum(s) for s in objectives.dualing_shares(ops.ones((3,)), a, b)),
    "dualing_dual": lambda a, b: objectives.dualing_dual(ops.sigmoid(a[:, 0]), ops.sigmoid(b[:, 0]), a, b, 0.1),
    "local_cost": lambda a, b: objectives.local_cost(ops.ones((3,)), a[:, 0], b[:, 0], 0.1),
    "local_dual": lambda a, b: objectives.local_dual(
        ops.sigmoid(a[:, 0]) / 8, ops.sigmoid(b[:, 0]) / 8, ops.mean(a - b, axis=0), ops.ones((3,)), a[:, 1], b[:, 1], 0.1, 0.5
    ),
    "conditional_entropy": lambda a, b: objectives.conditional_entropy(a - b),
    "marginal_entropy": lambda a, b: objectives.marginal_entropy(a - b),
    "label_balance": lambda a, b: objectives.label_balance(a - b),
    "label_expectation": objectives.label_expectation,
    "label_argmax": lambda a, b: objectives.label_argmax(a, np.array([0, 1, 2, 0]), b[:, 0]),
    "label_reinforce": lambda a, b: objectives.label_reinforce(a, np.array([0, 1, 2, 0]), b[:, 0]),
    "energy_margin": lambda a, b: objectives.energy_margin(a[:, :1], b[:, :1], 1.0),
    "reconstruction_energy": lambda a, b: ops.sum(objectives.reconstruction_energy(a, b)),
    "pulling_away": lambda a, b: objectives.pulling_away(a - b),
    "neighbor_entropy": lambda a, b: objectives.neighbor_entropy(a - b, neighbors=2),
    "variational_entropy": lambda a, b: objectives.variational_entropy(a, b, ops.clip(a - b, -20.0, 20.0)),
    "low_density": lambda a, b: objectives.low_density(a[:, 0] - b[:, 0], 0.5),
    "feature_denoising": objectives.feature_denoising,
    "summed_square": objectives.summed_square,
    "ternary_discriminator": lambda a, b: objectives.ternary_discriminator(a, b, a + b),
    "ternary_generator": objectives.ternary_generator,
    "charbonnier": lambda a, b: objectives.charbonnier(a - b),
    "end_point_error": lambda a, b: objectives.end_point_error(*(ops.reshape(x[:, :2], (4, 1, 1, 2)) for x in (a, b))),
    "flow_smoothness": lambda a, b: objectives.flow_smoothness(ops.reshape(a - b, (1, 2, 3, 2))),
    "contrastive": lambda a, b: objectives.contrastive(ops.abs(a - b), ops.full((4, 3), 0.3)),
    "correlation": lambda a, b: ops.sum(objectives.correlation(a, b)),
    **{
        name: (lambda a, b, name=name: getattr(objectives, name)(*(ops.reshape(x, (1, 1, 2, 2, 3)) for x in (a, b)), 2, 1))
        for name in ("correlation_score", "correlation_loss", "smooth_correlation_loss")
    },
    "frame_coherence": lambda a, b: objectives.frame_coherence(ops.reshape(a - b, (1, 4, 3)), ops.full((1, 4), 0.5), 2),
    "one_against_rest": lambda a, b: objectives.one_against_rest(a - b, np.array([0, 1, 2, 0])),
    "gaussian_log_density": lambda a, b: ops.sum(objectives.gaussian_log_density(a, b, ops.clip(a, -20.0, 20.0))),
    "gaussian_entropy": lambda a, b: ops.sum(objectives.gaussian_entropy(a - b)),
    "gaussian_divergence": lambda a, b: ops.sum(objectives.gaussian_divergence(a, ops.tanh(a), b, ops.tanh(b))),
    "generalized_advantages": lambda a, b: ops.sum(objectives.generalized_advantages(a[:, :2], b, ops.ones((4, 3)), 0.9, 0.9)),
    **{
        f"imitation_reward, {form}": lambda a, b, form=form: ops.sum(objectives.imitation_reward(a - b, form))
        for form in objectives.IMITATION_REWARDS
    },
    "consistency": lambda a, b: penalties.consistency(a[:, :1], b[:, :1], a, b),
    "orthonormal_penalty": lambda a, b: penalties.orthonormal_penalty(a - b),
    "weight_decay": lambda a, b: penalties.weight_decay([a, b], 1.0),
    **{
        f"total_variation, exponent {exponent}": lambda a, b, exponent=exponent: penalties.total_variation(
            ops.reshape(a - b, (1, 2, 2, 3)), exponent
        )
        for exponent in (0.5, 1.0, 2.0)
    },
}


@pytest.mark.parametrize("at", SETS)
@pytest.mark.parametrize("name", PAIRS)
def test_objectives_of_two_tensors(name, at):
    check_finite(PAIRS[name], *SETS[at])


def test_every_function_of_objectives_is_among_them():
    tested = {name.split(",")[0] for name in PAIRS} | {"realness", "masked_mean"}  # parts of those
    no_losses = {"dualing_optimum", "get", "get_kernel", "local_step", "names", "neighbor_directions", "register", "word_mask"}
    functions = {name for name in objectives.__all__ if type(getattr(objectives, name)).__name__ == "function"}
    assert functions - no_losses <= tested


def regularizer(penalty, objective=None):
    """A penalty of the slopes of logits, as a function of a discriminator and its examples."""

    def cost(score, x):
        scored = SimpleNamespace(score_of=lambda model: score, real=x, fake=1.0 - x)
        return penalty(SimpleNamespace(objective=objective), scored)

    return cost


CURVED = [f for f in f_divergences() if f.config["divergence"] != "total_variation" and not f.config["trick"]]


@pytest.mark.parametrize("weights", [0.0, 1e-12, 1.0, 50.0])
@pytest.mark.parametrize(
    "penalty",
    [
        lambda score, x: penalties.gradient_penalty(score, x),
        lambda score, x: penalties.gradient_penalty(score, x, one_sided=True),
        lambda score, x: penalties.r1_penalty(score, x),
        lambda score, x: penalties.squared_slopes(score, x, ops.tile(ops.eye(3)[None], (3, 1, 1))),
        lambda score, x: penalties.squared_slopes(score, x, ops.tile(ops.eye(3)[None], (3, 1, 1)), 1e-2),
        regularizer(penalties.JensenShannonRegularizer(1.0)),
        *(regularizer(penalties.FDivergenceRegularizer(1.0), f) for f in CURVED),
    ],
    ids=["two-sided", "one-sided", "r1", "squared slopes", "squared differences", "Jensen-Shannon", *(f.name for f in CURVED)],
)
def test_penalties_of_gradients_in_the_weights(penalty, weights):
    x = ops.convert_to_tensor(np.eye(3, dtype="float32"))
    kernel, last = np.full((3, 4), weights, "float32"), np.full((4, 1), weights, "float32")

    def loss(kernel, last):
        return ops.mean(penalty(lambda points: ops.tanh(points @ kernel) @ last, x))

    check_finite(loss, kernel, last)


@pytest.mark.only("tensorflow", "jax")
def test_consensus_over_an_alpha_divergence_beyond_its_kink():
    network = keras.Sequential([keras.Input((2,)), layers.Dense(1, bias_initializer=keras.initializers.Constant(-9.0))])
    model = kgan.GAN(
        objective=objectives.FDivergence("alpha", alpha=3.0),
        generator=kgan.networks.mlp.generator((2,), 2, (8,)),
        discriminator=network,
        simultaneous=True,
        seed=0,
    )
    model.compile(rule=kgan.Consensus(1.0))
    history = model.fit(np.zeros((32, 2), "float32"), batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(ops.convert_to_numpy(v)).all() for v in model.trainable_variables)
