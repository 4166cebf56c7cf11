"""What a class of discriminators can see: Liu, Bousquet, Chaudhuri, NIPS 2017, arXiv 1705.08991.

An adversarial divergence is `tau(mu || nu) = sup over f in F of E f(x, y)`, x from the data mu and y from a model nu, independent. Every
objective here is `f = m - r`, a moment part m and a remainder r that is at least its minimum: where F is restricted to functions
`theta^T psi` of features psi with a constant among them, tau is minimal exactly for the models whose moments `E psi` are the data's.
"""

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import COUNT, POSITIVE, SEED, Network, require
from kgan.backend import full_precision, no_gradient
from kgan.engine import AdversarialModel, Move, Terms, Turn
from kgan.penalties import GradientPenalty, Scored
from kgan.types import Array, Tensor

Features = Callable[[Array], Array]
"""From examples `(count, d)` to features `(count, p)`, float64."""


class Objective(NamedTuple):
    """One row of the paper's table of objectives, on values v of a function; f(x, y) = m - r.

    Attributes:
        name: of the row.
        minimum: the smallest value of tau, attained for nu = mu.
        reference: the constant v that attains it there; the logit for "gan", f'(1) for f-divergences, 0 else.
        moment: callable from v(x) to what it adds to f, with its two derivatives, `(value, first, second)`, NumPy float64.
        conjugate: the same for what v(y) takes away, infinite outside of its domain.
    """

    name: str
    minimum: float
    reference: float
    moment: Callable[[Array], tuple[Array, Array, Array]]
    conjugate: Callable[[Array], tuple[Array, Array, Array]]

    def f(self, vx: Any, vy: Any) -> Array:
        """`f(x, y)` of pairs, from the values of the function at both."""
        return self.moment(np.asarray(vx, "float64"))[0] - self.conjugate(np.asarray(vy, "float64"))[0]

    def split(self, vx: Any, vy: Any) -> tuple[Array, Array]:
        """`(m, r)` of pairs: m is antisymmetric in x and y, r >= -`minimum` depends on y alone, `m - r = f`."""
        vx, vy = np.asarray(vx, "float64"), np.asarray(vy, "float64")
        moment = self.moment(vx)[0] - self.moment(vy)[0]
        return moment, self.conjugate(vy)[0] - self.moment(vy)[0]


def _line(v: Array) -> tuple[Array, Array, Array]:
    return v, np.ones_like(v), np.zeros_like(v)


def _log_sigmoid(v: Array) -> tuple[Array, Array, Array]:
    s = 0.5 * (1.0 + np.tanh(0.5 * v))
    return -np.logaddexp(0.0, -v), 1.0 - s, -s * (1.0 - s)


def _softplus(v: Array) -> tuple[Array, Array, Array]:
    s = 0.5 * (1.0 + np.tanh(0.5 * v))
    return np.logaddexp(0.0, v), s, s * (1.0 - s)


def _kl(t: Array) -> tuple[Array, Array, Array]:
    with np.errstate(over="ignore"):
        e = np.exp(t - 1.0)
    return e, e, e


def _below(edge: float, inside: Callable[[Array], tuple[Array, Array, Array]]) -> Callable[[Array], tuple[Array, Array, Array]]:
    """A conjugate whose domain ends at `edge`."""

    def conjugate(t: Array) -> tuple[Array, Array, Array]:
        legal = t < edge
        value, first, second = inside(np.where(legal, t, edge - 1.0))
        return np.where(legal, value, np.inf), first, second

    return conjugate


def _pearson(t: Array) -> tuple[Array, Array, Array]:
    u = np.maximum(1.0 + 0.5 * t, 0.0)  # the supremum is over u >= 0
    return np.where(t > -2.0, 0.25 * t * t + t, -1.0), u, np.where(t > -2.0, 0.5, 0.0)


def _jensen_shannon(t: Array) -> tuple[Array, Array, Array]:
    e = np.exp(t)
    return -np.log(2.0 - e), e / (2.0 - e), 2.0 * e / (2.0 - e) ** 2


def _row(name: str, reference: float, conjugate: Callable[[Array], tuple[Array, Array, Array]]) -> tuple[str, Objective]:
    return name, Objective(name, 0.0, reference, _line, conjugate)


OBJECTIVES: dict[str, Objective] = dict(
    [
        ("gan", Objective("gan", -math.log(4.0), 0.0, _log_sigmoid, _softplus)),
        ("wgan", Objective("wgan", 0.0, 0.0, _line, _line)),
        _row("kl", 1.0, _kl),
        _row("reverse_kl", -1.0, _below(0.0, lambda t: (-1.0 - np.log(-t), -1.0 / t, 1.0 / t**2))),
        _row("pearson", 0.0, _pearson),
        _row("neyman", 0.0, _below(1.0, lambda t: (2.0 - 2.0 * np.sqrt(1.0 - t), (1.0 - t) ** -0.5, 0.5 * (1.0 - t) ** -1.5))),
        _row("squared_hellinger", 0.0, _below(1.0, lambda t: (t / (1.0 - t), (1.0 - t) ** -2.0, 2.0 * (1.0 - t) ** -3.0))),
        _row("jensen_shannon", 0.0, _below(math.log(2.0), _jensen_shannon)),
    ]
)
"""The rows "gan" (v a logit), "wgan" (v a critic: of no use over a linear class, whose scale is unbounded), and f-GAN's divergences with a
smooth conjugate in closed form. The f-GAN table's own "GAN" has f(1) = -2 log 2, which the theorem excludes: take "gan" or
"jensen_shannon". The paper's row of the kernel discrepancy is `kgan.metrics.kernel_mmd2`."""


def objective(name: str) -> Objective:
    """A row of `OBJECTIVES` by its name."""
    if name not in OBJECTIVES:
        raise ValueError(f"Unknown objective {name!r}. Known: {', '.join(OBJECTIVES)}.")
    return OBJECTIVES[name]


# Classes of functions ---------------------------------------------------------------------------------------------------


def polynomial(degree: int) -> Features:
    """Features: 1 and all monomials up to a degree; 1 is linear functions, 2 quadratic ones.

    Example:
    >>> import numpy as np, kgan
    >>> kgan.divergences.polynomial(2)(np.array([[2.0, 3.0]]))
    array([[1., 2., 3., 4., 6., 9.]])
    """
    require(COUNT, degree=degree)

    def psi(x: Array) -> Array:
        x = _points(x)
        columns = [np.ones(len(x))]
        for order in range(1, degree + 1):
            columns += [np.prod(x[:, list(c)], axis=1) for c in itertools.combinations_with_replacement(range(x.shape[1]), order)]
        return np.stack(columns, axis=1)

    return psi


def fourier(count: int, scale: float = 1.0, seed: int = 0) -> Features:
    """Features: 1 and `cos(w^T x + b)` for so many w ~ N(0, 1 / scale^2), b uniform: a random basis of an RBF kernel of that width."""
    require(COUNT, count=count)
    require(POSITIVE, scale=scale)
    require(SEED, seed=seed)

    def psi(x: Array) -> Array:
        x, rng = _points(x), np.random.default_rng(seed)
        phases = x @ (rng.normal(size=(x.shape[1], count)) / scale) + rng.uniform(0.0, 2.0 * np.pi, count)
        return np.concatenate([np.ones((len(x), 1)), np.cos(phases)], axis=1)

    return psi


def _points(x: Array) -> Array:
    x = np.asarray(x, "float64")
    if len(x) == 0 or not np.isfinite(x).all():
        raise ValueError(f"Examples must be finite, and at least one. Received the shape {x.shape}.")
    return x.reshape(len(x), -1)


def moment_gap(features: Features, real: Array, fake: Array) -> float:
    """`||E psi(x) - E psi(y)||` of two sets of examples: what a class of functions `theta^T psi` can tell of them.

    Example:
    >>> import numpy as np, kgan
    >>> x, y = np.array([[-1.0], [1.0]]), np.array([[-2.0], [2.0]])
    >>> [kgan.divergences.moment_gap(kgan.divergences.polynomial(k), x, y) for k in (1, 2)]
    [0.0, 3.0]
    """
    return float(np.linalg.norm(features(real).mean(0) - features(fake).mean(0)))


# Values -----------------------------------------------------------------------------------------------------------------


class Measured(NamedTuple):
    """The value of a divergence on held-out examples, above its minimum.

    Attributes:
        value: estimate of `tau - minimum`, 0 where the class sees no difference. It can be below 0, by chance or by overfitting.
        error: its standard error.
        training: the same on the examples that the function was chosen on: too large.
    """

    value: float
    error: float
    training: float


def supremum(
    name: str,
    features: Features,
    real: Array,
    fake: Array,
    real_weights: Array | None = None,
    fake_weights: Array | None = None,
) -> float:
    """`tau - minimum` over functions `theta^T psi` for two discrete laws, exactly: Newton's method on a concave problem, float64.

    Args:
        name: of `OBJECTIVES`, but "wgan".
        features: such as `polynomial(2)`; a constant among them, or the theorem does not hold (a warning).
        real, fake: arrays `(points, ...)`.
        real_weights, fake_weights: probabilities of the points, default equal; of a quadrature, for laws with a density.

    Example: laws of equal mean, and of different variance.

    >>> import numpy as np, kgan
    >>> x, y = np.array([[-1.0], [1.0]]), np.array([[-1.0], [1.0], [-1.1], [1.1]])
    >>> [round(kgan.divergences.supremum("kl", kgan.divergences.polynomial(k), x, y), 4) for k in (1, 2)]
    [0.0, 0.6931]
    """
    row, psi_x, psi_y = objective(name), features(real), features(fake)
    theta = _maximize(row, psi_x, psi_y, real_weights, fake_weights)
    value = _mean(row, psi_x @ theta, psi_y @ theta, _shares(real_weights, psi_x), _shares(fake_weights, psi_y))
    return value - row.minimum


def _shares(weights: Array | None, points: Array) -> Array:
    if weights is None:
        return np.full(len(points), 1.0 / len(points))
    weights = np.asarray(weights, "float64")
    return weights / weights.sum()


def _mean(row: Objective, vx: Array, vy: Array, wx: Array, wy: Array) -> float:
    return float(wx @ row.moment(vx)[0] - wy @ row.conjugate(vy)[0])


def _maximize(row: Objective, psi_x: Array, psi_y: Array, wx: Array | None = None, wy: Array | None = None) -> Array:
    """The best theta, by Newton's method in an orthonormal basis of the class."""
    if row.name == "wgan":
        raise ValueError('A linear class has no scale, so that "wgan" over it is 0 or infinite. Take a network, or `moment_gap`.')
    wx, wy = _shares(wx, psi_x), _shares(wy, psi_y)
    psi, mass = np.concatenate([psi_x, psi_y]), 0.5 * np.concatenate([wx, wy])
    norms = np.sqrt(np.maximum((psi**2).mean(0), 1e-300))
    scale, directions = np.linalg.svd(np.sqrt(mass)[:, None] * (psi / norms), full_matrices=False)[1:]
    kept = scale > 1e-10 * scale[0]
    basis = directions[kept].T / scale[kept] / norms[:, None]
    bx, by, psi = psi_x @ basis, psi_y @ basis, psi @ basis
    theta = psi.T @ mass * row.reference
    if np.abs(psi @ (psi.T @ mass) - 1.0).max() > 1e-6:
        warnings.warn(
            "The features have no constant among them: the class lacks the reference element, and 0 means nothing.", stacklevel=4
        )
        theta = np.zeros_like(theta)
    value = _mean(row, bx @ theta, by @ theta, wx, wy)
    for _ in range(300):
        (_, mx, mxx), (_, cy, cyy) = row.moment(bx @ theta), row.conjugate(by @ theta)
        slope = bx.T @ (wx * mx) - by.T @ (wy * cy)
        bend = by.T @ ((wy * cyy)[:, None] * by) - bx.T @ ((wx * mxx)[:, None] * bx)
        step = np.linalg.lstsq(bend + 1e-12 * np.trace(bend) * np.eye(len(bend)), slope, rcond=None)[0]
        gain, length, further = float(slope @ step), 1.0, -np.inf
        while gain > 1e-13 and length > 1e-12:
            further = _mean(row, bx @ (theta + length * step), by @ (theta + length * step), wx, wy)
            if further > value + 1e-4 * length * gain:
                break
            length *= 0.5
        if not further > value or value > 50.0:  # at the top; or separable, so that there is none
            break
        theta, value = theta + length * step, further
    return basis @ theta


def measure(
    name: str,
    family: Features | keras.Model,
    real: Array,
    fake: Array,
    *,
    held_out: float = 0.5,
    steps: int = 3000,
    batch_size: int = 512,
    restarts: int = 3,
    seed: int = 0,
) -> Measured:
    """A divergence between two sets of examples over a class of functions, on examples that the function was not chosen on.

    Args:
        name: of `OBJECTIVES`; "wgan" for networks alone, with a gradient penalty of weight 10, which is the paper's row "wgan_gp".
        family: features, for functions linear in them (`polynomial(1)`, `polynomial(2)`, `fourier(...)`); or a built network of one
            output, of whose architecture new ones are trained; it stays as it is.
        real, fake: arrays `(examples, ...)`.
        held_out: default 0.5: the share of both that is kept for the value.
        steps, batch_size, restarts: of networks, default 3000, 512, 3: Adam(1e-3). The largest of the restarts' held-out values is taken:
            a network that is trained too little underestimates, one that overfits does so too, here.
        seed: default 0: which examples are held out, and the order of minibatches.

    Returns:
        `Measured`. Minus infinity where a held-out example falls outside of the domain of the conjugate, for linear functions and
        divergences other than "kl" and "pearson".

    Example: mean and variance agree, so a quadratic function sees no difference.

    >>> import numpy as np, kgan
    >>> rng = np.random.default_rng(0)
    >>> flat, normal = rng.uniform(-3**0.5, 3**0.5, (4000, 1)), rng.normal(size=(4000, 1))
    >>> abs(kgan.divergences.measure("gan", kgan.divergences.polynomial(2), flat, normal).value) < 0.01
    True
    """
    row, rng = objective(name), np.random.default_rng(seed)
    require(COUNT, steps=steps, batch_size=batch_size, restarts=restarts)
    require(SEED, seed=seed)
    if not 0.0 < held_out < 1.0:
        raise ValueError(f"`held_out` must lie strictly between 0 and 1. Received: {held_out!r}.")
    parts = []
    for examples in (real, fake):
        if len(examples) < 4:
            raise ValueError(f"Four examples of each kind at least. Received: {len(examples)}.")
        order, cut = rng.permutation(len(examples)), max(1, round(len(examples) * (1.0 - held_out)))
        parts.append((examples[order[:cut]], examples[order[cut:]]))
    (train_x, test_x), (train_y, test_y) = parts
    if not isinstance(family, keras.Model):
        theta = _maximize(row, family(train_x), family(train_y))
        return _measured(row, *(family(e) @ theta for e in (test_x, test_y, train_x, train_y)))
    found = []
    for restart in range(restarts):
        judge = Judge(family, name, seed=seed + restart)
        judge.compile()
        picks = (e[rng.integers(0, len(e), steps * batch_size)].astype("float32") for e in (train_x, train_y))
        judge.fit(tuple(picks), batch_size=batch_size, shuffle=False, verbose=0)
        found.append(_measured(row, *(judge.values(e) for e in (test_x, test_y, train_x, train_y))))
    return max(found, key=lambda m: m.value)


def _measured(row: Objective, vx: Array, vy: Array, train_x: Array, train_y: Array) -> Measured:
    real, fake = row.moment(vx)[0], row.conjugate(vy)[0]
    training = row.moment(train_x)[0].mean() - row.conjugate(train_y)[0].mean()
    error = math.sqrt(real.var() / len(real) + fake.var() / len(fake)) if np.isfinite(fake).all() else math.inf
    return Measured(float(real.mean() - fake.mean() - row.minimum), error, float(training - row.minimum))


class Judge(AdversarialModel):
    """A new network of a given architecture that maximizes an objective between arrays of real and of generated examples."""

    def __init__(self, network: Network, objective_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = keras.models.clone_model(network)  # drawn from the seed, as all that a constructor draws
        self.objective_name = objective_name
        known = {"gan": "minimax", "wgan": "wasserstein"}
        self.losses_of: objectives.Objective = (
            objectives.get(known[objective_name]) if objective_name in known else objectives.FDivergence(objective_name)
        )
        self.penalty = GradientPenalty(10.0) if objective_name == "wgan" else None

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((Move("judge", ("network",), self.judged),)),)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"judge": keras.optimizers.Adam(1e-3, epsilon=1e-8)}

    def unpack(self, data: Any) -> Any:
        return data

    def score(self, examples: Tensor) -> Tensor:
        return full_precision(self.network(examples, training=self.in_training))

    def judged(self, batch: Any) -> Terms:
        real, fake = (ops.convert_to_tensor(e) for e in batch)
        scored = Scored(real, fake, self.score(real), self.score(fake))
        terms = {"adversarial": self.losses_of.discriminator(scored.real_logits, scored.fake_logits)}
        return terms if self.penalty is None else {**terms, "gradient_penalty": self.penalty(self, scored)}

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return self.network(inputs, training=training)

    def values(self, examples: Array) -> Array:
        """V at examples, float64 `(examples,)`: the logit, the critic, or T of an f-divergence."""
        parts = []
        with no_gradient():
            for start in range(0, len(examples), 1024):
                outputs = full_precision(
                    self.network(ops.convert_to_tensor(examples[start : start + 1024], "float32"), training=False)
                )
                if isinstance(self.losses_of, objectives.FDivergence):
                    outputs = self.losses_of.variational(outputs)
                parts.append(ops.convert_to_numpy(outputs))
        return np.concatenate(parts).astype("float64").reshape(len(examples))
