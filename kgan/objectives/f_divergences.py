"""The objectives of f-GAN: Nowozin, Cseke, Tomioka, NIPS 2016, arXiv 1606.00709; links of Nock et al., NIPS 2017, arXiv 1707.04385.

`D_f(P || Q) = E_Q f(p/q)` has the lower bound `F = E_P T - E_Q f*(T)`, f* the convex conjugate, tight at `T = f'(p/q)`. A network V
with one unbounded output becomes `T = g(V)` through an increasing function g into the domain of f*.
"""

import math
from typing import Any, Self

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.objectives.adversarial import Objective
from kgan.types import Config, Tensor

_LIMIT = 30.0  # exponents beyond it overflow float32 within a few products; the gradient of the clipped part is 0


def _exp(t: Tensor) -> Tensor:
    return ops.exp(ops.clip(t, -_LIMIT, _LIMIT))


class _Divergence:
    """One row of the paper's tables. `r = log u` is a log density ratio, `v` the output of the network."""

    def f(self, u: Any) -> Any:
        """The generating function, NumPy or tensors, u > 0."""
        raise NotImplementedError("A divergence defines f.")

    def derivative(self, r: Tensor) -> Tensor:
        """`f'(u)`: the optimal T at the log density ratio r."""
        raise NotImplementedError("A divergence defines derivative.")

    def conjugate(self, r: Tensor) -> Tensor:
        """`f*(f'(u)) = u f'(u) - f(u)`."""
        raise NotImplementedError("A divergence defines conjugate.")

    def activation(self, v: Tensor) -> Tensor:
        """The paper's `g_f(v)` (its Table 6); by default that of the logistic link, which many rows share."""
        return self.derivative(v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        """`f*(g_f(v))`."""
        return self.conjugate(v)

    def curvature(self, r: Tensor) -> Tensor:
        """`u^2 f''(u) = f*''(T) (dT/dr)^2` at the log density ratio r: the derivative of `conjugate`."""
        raise NotImplementedError("A divergence defines curvature.")

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        """`f*''(g_f(v)) g_f'(v)^2`."""
        return self.curvature(v)


class _TotalVariation(_Divergence):
    def f(self, u: Any) -> Any:
        return 0.5 * ops.abs(u - 1.0)

    def derivative(self, r: Tensor) -> Tensor:
        return 0.5 * ops.sign(r)

    conjugate = derivative

    def activation(self, v: Tensor) -> Tensor:
        return 0.5 * ops.tanh(v)

    conjugate_of_activation = activation

    def curvature(self, r: Tensor) -> Tensor:
        return ops.zeros_like(r)


class _KL(_Divergence):
    def f(self, u: Any) -> Any:
        return u * ops.log(u)

    def derivative(self, r: Tensor) -> Tensor:
        return r + 1.0

    def conjugate(self, r: Tensor) -> Tensor:
        return _exp(r)

    def activation(self, v: Tensor) -> Tensor:
        return v

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return _exp(v - 1.0)

    def curvature(self, r: Tensor) -> Tensor:
        return _exp(r)

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        return _exp(v - 1.0)


class _ReverseKL(_Divergence):
    def f(self, u: Any) -> Any:
        return -ops.log(u)

    def derivative(self, r: Tensor) -> Tensor:
        return -_exp(-r)

    def conjugate(self, r: Tensor) -> Tensor:
        return r - 1.0

    def curvature(self, r: Tensor) -> Tensor:
        return ops.ones_like(r)


class _Pearson(_Divergence):
    # The paper prints the integral of (q - p)^2 / p beside this f; that is Neyman's. This f gives the integral of (p - q)^2 / q.
    def f(self, u: Any) -> Any:
        return ops.square(u - 1.0)

    def derivative(self, r: Tensor) -> Tensor:
        return 2.0 * (_exp(r) - 1.0)

    def conjugate(self, r: Tensor) -> Tensor:
        return ops.square(_exp(r)) - 1.0

    def activation(self, v: Tensor) -> Tensor:
        return v

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return 0.25 * ops.square(v) + v

    def curvature(self, r: Tensor) -> Tensor:
        return 2.0 * ops.square(_exp(r))

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        return 0.5 * ops.ones_like(v)


class _Neyman(_Divergence):
    def f(self, u: Any) -> Any:
        return ops.square(1.0 - u) / u

    def derivative(self, r: Tensor) -> Tensor:
        return 1.0 - _exp(-2.0 * r)

    def conjugate(self, r: Tensor) -> Tensor:
        return 2.0 - 2.0 * _exp(-r)

    def activation(self, v: Tensor) -> Tensor:
        return 1.0 - _exp(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return 2.0 - 2.0 * _exp(-0.5 * v)

    def curvature(self, r: Tensor) -> Tensor:
        return 2.0 * _exp(-r)

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        return 0.5 * _exp(-0.5 * v)


class _SquaredHellinger(_Divergence):
    def f(self, u: Any) -> Any:
        return ops.square(ops.sqrt(u) - 1.0)

    def derivative(self, r: Tensor) -> Tensor:
        return 1.0 - _exp(-0.5 * r)

    def conjugate(self, r: Tensor) -> Tensor:
        return _exp(0.5 * r) - 1.0

    def activation(self, v: Tensor) -> Tensor:
        return 1.0 - _exp(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        return _exp(v) - 1.0

    def curvature(self, r: Tensor) -> Tensor:
        return 0.5 * _exp(0.5 * r)

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        return 2.0 * _exp(v)


class _Jeffrey(_Divergence):
    def f(self, u: Any) -> Any:
        return (u - 1.0) * ops.log(u)

    def derivative(self, r: Tensor) -> Tensor:
        return r + 1.0 - _exp(-r)

    def conjugate(self, r: Tensor) -> Tensor:
        return r + _exp(r) - 1.0

    def activation(self, v: Tensor) -> Tensor:
        return v

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        # f*(t) = w + 1/w + t - 2 with w = W(e^(1-t)), Lambert's function.
        s = self._log_inverse(v)
        return ops.exp(s) + ops.exp(-s) - ops.clip(1.0 - v, -_LIMIT, 1e6) - 1.0

    @staticmethod
    def _log_inverse(v: Tensor) -> Tensor:
        """`-log u` at `f'(u) = v`: s = log W(e^(1-v)) solves s + e^s = 1 - v.

        Newton's method on this convex function, from the right of the root; differentiating the iteration gives all derivatives.
        """
        a = ops.clip(1.0 - v, -_LIMIT, 1e6)
        s = ops.where(a > 1.0, ops.log(ops.maximum(a, 1.0)), a)
        for _ in range(6):
            s = s - (s + ops.exp(s) - a) / (1.0 + ops.exp(s))
        return s

    def curvature(self, r: Tensor) -> Tensor:
        return 1.0 + _exp(r)

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        s = self._log_inverse(v)
        return ops.exp(-s) / (1.0 + ops.exp(s))


class _JensenShannon(_Divergence):
    # Twice the Jensen-Shannon divergence of Lin (1991): the printed integral has a factor 1/2, the f of the table does not.
    def f(self, u: Any) -> Any:
        return u * ops.log(u) - (u + 1.0) * ops.log(0.5 * (u + 1.0))

    def derivative(self, r: Tensor) -> Tensor:
        return math.log(2.0) - ops.softplus(-r)

    def conjugate(self, r: Tensor) -> Tensor:
        return ops.softplus(r) - math.log(2.0)

    def curvature(self, r: Tensor) -> Tensor:
        return ops.sigmoid(r)


class _GAN(_Divergence):
    def f(self, u: Any) -> Any:
        return u * ops.log(u) - (u + 1.0) * ops.log(u + 1.0)

    def derivative(self, r: Tensor) -> Tensor:
        return -ops.softplus(-r)

    def conjugate(self, r: Tensor) -> Tensor:
        return ops.softplus(r)

    def curvature(self, r: Tensor) -> Tensor:
        return ops.sigmoid(r)


class _WeightedJensenShannon(_Divergence):
    def __init__(self, pi: float | None) -> None:
        if pi is None or not 0.0 < pi < 1.0:
            raise ValueError(f"The weighted Jensen-Shannon divergence needs a prior weight `pi` in (0, 1). Received: {pi!r}.")
        self.pi = pi

    def f(self, u: Any) -> Any:
        mean = 1.0 - self.pi + self.pi * u
        return self.pi * u * ops.log(u) - mean * ops.log(mean)

    def _log_mean(self, r: Tensor) -> Tensor:
        # log(1 - pi + pi u) without leaving logarithms.
        return math.log(1.0 - self.pi) + ops.softplus(r + math.log(self.pi / (1.0 - self.pi)))

    def derivative(self, r: Tensor) -> Tensor:
        return self.pi * (r - self._log_mean(r))

    def conjugate(self, r: Tensor) -> Tensor:
        return (1.0 - self.pi) * self._log_mean(r)

    def activation(self, v: Tensor) -> Tensor:
        return -self.pi * math.log(self.pi) - ops.softplus(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        exponent = ops.softplus(-ops.clip(v, -_LIMIT, _LIMIT)) / self.pi
        return (1.0 - self.pi) * (math.log(1.0 - self.pi) - ops.log(-ops.expm1(-exponent)))

    def curvature(self, r: Tensor) -> Tensor:
        return (1.0 - self.pi) * ops.sigmoid(r + math.log(self.pi / (1.0 - self.pi)))

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        # From v = 20 on the quotient is 1 in single precision, and its derivatives would be quotients of fourth powers of exp(-v).
        v = ops.clip(v, -_LIMIT, 20.0)
        half = ops.softplus(-v) / (2.0 * self.pi)
        return (1.0 - self.pi) * ops.square(ops.sigmoid(-v) / (2.0 * self.pi * ops.sinh(half)))


class _Alpha(_Divergence):
    def __init__(self, alpha: float | None) -> None:
        if alpha is None or alpha in (0, 1):
            raise ValueError(
                'The alpha divergence needs `alpha`, any number but 0 and 1, whose limits are "reverse_kl" and "kl". '
                f"Received: {alpha!r}."
            )
        self.alpha = alpha

    def f(self, u: Any) -> Any:
        a = self.alpha
        return (u**a - 1.0 - a * (u - 1.0)) / (a * (a - 1.0))

    def derivative(self, r: Tensor) -> Tensor:
        return (_exp((self.alpha - 1.0) * r) - 1.0) / (self.alpha - 1.0)

    def conjugate(self, r: Tensor) -> Tensor:
        return (_exp(self.alpha * r) - 1.0) / self.alpha

    def activation(self, v: Tensor) -> Tensor:
        return v if self.alpha > 1 else 1.0 / (1.0 - self.alpha) - ops.softplus(-v)

    def conjugate_of_activation(self, v: Tensor) -> Tensor:
        a = self.alpha
        # For a > 1 the conjugate over u >= 0 is constant where the base is negative. There no power is computed: for a > 2 its
        # second derivative at 0 is infinite, and infinity times the 0 of a gate is no number.
        if a > 1:
            base = v * (a - 1.0) + 1.0
            power = _exp(a / (a - 1.0) * ops.log(ops.where(base > 0, base, 1.0)))
            return (ops.where(base > 0, power, 0.0) - 1.0) / a
        base = (1.0 - a) * ops.softplus(-ops.clip(v, -_LIMIT, _LIMIT))
        return (_exp(a / (a - 1.0) * ops.log(base)) - 1.0) / a

    def curvature(self, r: Tensor) -> Tensor:
        return _exp(self.alpha * r)

    def curvature_of_activation(self, v: Tensor) -> Tensor:
        a = self.alpha
        if a > 1:
            base = v * (a - 1.0) + 1.0
            power = _exp((2.0 - a) / (a - 1.0) * ops.log(ops.where(base > 0, base, 1.0)))
            return ops.where(base > 0, power, 0.0)
        v = ops.clip(v, -_LIMIT, _LIMIT)
        base = (1.0 - a) * ops.softplus(-v)
        return ops.square(ops.sigmoid(-v)) * _exp((2.0 - a) / (a - 1.0) * ops.log(base))


_ROWS: dict[str, type[_Divergence]] = {
    "gan": _GAN,
    "jeffrey": _Jeffrey,
    "jensen_shannon": _JensenShannon,
    "kl": _KL,
    "neyman": _Neyman,
    "pearson": _Pearson,
    "reverse_kl": _ReverseKL,
    "squared_hellinger": _SquaredHellinger,
    "total_variation": _TotalVariation,
}
DIVERGENCES = (*_ROWS, "alpha", "weighted_jensen_shannon")


def _log_ratio(link: str, v: Tensor) -> Tensor:
    """`log(Psi^-1(v) / (1 - Psi^-1(v)))`: the log density ratio that a network's output stands for under a link."""
    # Matsushita: u = (v + sqrt(1 + v^2))^2.
    return v if link == "logistic" else 2.0 * ops.arcsinh(v)


@keras.saving.register_keras_serializable("kgan")
class FDivergence(Objective):
    """The two losses of f-GAN for one divergence: 1606.00709, Eq. 4 and 6, with the divergences of its Tables 1, 2, 5 and 6.

    With `T = g(V(x))`: discriminator `-E_P T + E_Q f*(T)`, whose negative is the lower bound of `D_f(P || Q)`, P the data and Q the
    generator; generator `-E_Q f*(T)`, or `-E_Q T`.

    Args:
        divergence: "kl", "reverse_kl", "pearson", "neyman", "squared_hellinger", "jeffrey", "jensen_shannon" (twice Lin's, as the paper's
            f), "weighted_jensen_shannon" (with `pi`), "gan" (`2 JSD - log 4`), "alpha" (with `alpha`) or "total_variation".
        link: "nowozin" (default): the paper's g_f. "logistic" or "matsushita": `g(v) = f'(u)` with u the density ratio that v stands for
            under the link (1707.04385, its theorem on composite losses); with "logistic" the optimal V is `log p/q` for every f.
        trick: default False: the generator minimizes the bound itself (Eq. 4). True: `-E_Q T` (section 3.2), for "gan" the
            non-saturating loss.
        alpha: neither 0 nor 1, for "alpha". pi: in (0, 1), a prior weight, for "weighted_jensen_shannon".

    Exponents are clipped to [-30, 30]: beyond that T and f* no longer belong together, and the figure is no bound. With "nowozin" and an
    alpha just below 1 this begins near V = 0; take `link="logistic"` there. For alpha > 1 the base of the conjugate is clipped at 0.

    Example: for V = 0 the GAN divergence gives log 4.

    >>> import kgan
    >>> from keras import ops
    >>> objective = kgan.objectives.FDivergence("gan")
    >>> round(float(objective.discriminator(ops.zeros((2, 1)), ops.zeros((2, 1)))), 4)
    1.3863
    """

    config: Config
    row: _Divergence

    def __init__(
        self,
        divergence: str = "jensen_shannon",
        link: str = "nowozin",
        trick: bool = False,
        alpha: float | None = None,
        pi: float | None = None,
    ) -> None:
        if divergence not in DIVERGENCES:
            raise ValueError(f"Unknown divergence {divergence!r}. Known: {', '.join(sorted(DIVERGENCES))}.")
        if link not in ("nowozin", "logistic", "matsushita"):
            raise ValueError(f'`link` must be "nowozin", "logistic" or "matsushita". Received: {link!r}.')
        if divergence == "total_variation" and link != "nowozin":
            raise ValueError('The derivative of total variation is a step, which no gradient crosses; use `link="nowozin"`.')
        for name, value, owner in (("alpha", alpha, "alpha"), ("pi", pi, "weighted_jensen_shannon")):
            if value is not None and divergence != owner:
                raise ValueError(f'`{name}` is an argument of divergence="{owner}". Received divergence={divergence!r}.')
        config = {"divergence": divergence, "link": link, "trick": bool(trick), "alpha": alpha, "pi": pi}
        if divergence == "alpha":
            row: _Divergence = _Alpha(alpha)
        else:
            row = _WeightedJensenShannon(pi) if divergence == "weighted_jensen_shannon" else _ROWS[divergence]()
        object.__setattr__(self, "config", config)  # the dataclass is frozen
        object.__setattr__(self, "row", row)
        shown = ",".join([divergence, link, *(f"{key}={config[key]}" for key in ("trick", "alpha", "pi") if config[key])])
        super().__init__(f"f_divergence[{shown}]", self._discriminator, self._generator)

    def f(self, u: Any) -> Tensor:
        """The generating function at density ratios u > 0."""
        return self.row.f(ops.convert_to_tensor(u))

    def optimum(self, log_ratio: Tensor) -> Tensor:
        """The T that attains the bound, `f'(p/q)`, at `log p/q`. At 0, its threshold: T above it means "real"."""
        return self.row.derivative(ops.convert_to_tensor(log_ratio))

    def variational(self, outputs: Tensor) -> Tensor:
        """`T = g(V)` from the outputs V of the network."""
        outputs = full_precision(outputs)
        return self.row.activation(outputs) if self._own else self.row.derivative(_log_ratio(self.config["link"], outputs))

    def conjugate(self, outputs: Tensor) -> Tensor:
        """`f*(T)` from the outputs V of the network, in closed form."""
        outputs = full_precision(outputs)
        if self._own:
            return self.row.conjugate_of_activation(outputs)
        return self.row.conjugate(_log_ratio(self.config["link"], outputs))

    def curvature(self, outputs: Tensor) -> Tensor:
        """`f*''(T) (dT/dV)^2` from the outputs V of the network, >= 0, in closed form: `f*''(T) ||grad T||^2` over `||grad V||^2`.

        What a little noise on the examples costs: 1705.09367, Eq. 19; 0 for total variation.
        """
        outputs = full_precision(outputs)
        if self._own:
            return self.row.curvature_of_activation(outputs)
        curvature = self.row.curvature(_log_ratio(self.config["link"], outputs))
        return curvature if self.config["link"] == "logistic" else 4.0 * curvature / (1.0 + ops.square(outputs))

    @property
    def _own(self) -> bool:
        return self.config["link"] == "nowozin"

    def _discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return ops.mean(self.conjugate(fake_logits)) - ops.mean(self.variational(real_logits))

    def _generator(self, fake_logits: Tensor) -> Tensor:
        return -ops.mean(self.variational(fake_logits) if self.config["trick"] else self.conjugate(fake_logits))

    def get_config(self) -> Config:
        return dict(self.config)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)
