"""Re-weighting of data for boosted generative models: 1701.02386. Pure functions of density ratios, in NumPy.

`ratios[i] = dP_g / dP_d` at example i: how much of the model is there for one unit of the data. `beta` in (0, 1) is the share of the next
component in the mixture. With any learner that can be fitted to weighted data, a round of boosting is

>>> from kgan.programs import boosting
>>> ratios = [4.0, 2.4, 1.6, 0.0, 0.0, 0.0, 0.0, 0.0]
>>> weights, multiplier = boosting.optimal(ratios, beta=0.5)
>>> weights.round(3).tolist(), round(multiplier, 3)
([0.0, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2], 0.8)
>>> boosting.append_share([1.0], beta=0.5).tolist()
[0.5, 0.5]
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from kgan.types import Array, Config

Ratios = Array | Sequence[float]
"""Density ratios, one for each example."""


def optimal(ratios: Ratios, beta: float) -> tuple[Array, float]:
    """Weights of the component that minimizes any f-divergence of the mixture from the data (Theorem 1).

    `W_i = (lambda* - (1 - beta) r_i)_+ / (beta N)` with the one `lambda*` at which the weights sum to 1: the first of
    `lambda_k = (beta N + (1 - beta) sum_{i<=k} r_(i)) / k`, ratios ascending, with `(1 - beta) r_(k) <= lambda_k <= (1 - beta) r_(k+1)`.

    Args:
        ratios: array (examples,) of density ratios >= 0; infinite ones get no weight.
        beta: float in (0, 1).

    Returns:
        `(weights, multiplier)`: float64 array (examples,), which sums to 1, and `lambda*`. It lies in [beta, 1] for exact ratios; with
        estimated ones it may exceed 1.

    Raises:
        ValueError: for NaN or negative ratios, or only infinite ones, or another beta.
    """
    ratios, beta = _check(ratios, beta)
    covered = (1.0 - beta) * ratios
    ascending = np.sort(covered)
    k = np.arange(1, len(ratios) + 1)
    candidates = (beta * len(ratios) + np.cumsum(ascending)) / k
    following = np.append(ascending[1:], np.inf)
    # A candidate that falls between its neighbors up to rounding counts.
    slack = 1e-12 * np.where(np.isfinite(candidates), candidates, 0.0)
    found = np.flatnonzero(np.isfinite(ascending) & (ascending <= candidates + slack) & (candidates <= following + slack))
    if not len(found):
        raise ValueError("No multiplier exists: all density ratios are infinite.")
    multiplier = candidates[found[0]]
    return _normalized(np.maximum(multiplier - covered, 0.0)), float(multiplier)


def dagger(ratios: Ratios, beta: float) -> tuple[Array, float]:
    """Weights that keep the data where the mixture has nothing, and take away where it has much (Theorem 2).

    `W_i = (1 - lambda+ (1 - beta) r_i)_+ / (beta N)`, `lambda+ >= 1` such that they sum to 1.

    Args, returns: as in `optimal`; the multiplier is `lambda+`.

    Raises:
        ValueError: also where the mixture has nothing at a share >= beta of the examples: there is no such component.
    """
    ratios, beta = _check(ratios, beta)
    count = len(ratios)
    if (ratios == 0).mean() >= beta:
        raise ValueError(
            f"The mixture has nothing at {(ratios == 0).mean():.3g} of the examples. Theorem 2 needs less than beta = {beta:g}: take a "
            "larger beta, or the optimal weights of Theorem 1."
        )
    ascending = (1.0 - beta) * np.sort(ratios)
    k = np.arange(1, count + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        candidates = (k / count - beta) * count / np.cumsum(ascending)
        # lambda+ (1 - beta) r_(k) < 1 <= lambda+ (1 - beta) r_(k+1)
        inside = (candidates * ascending < 1.0) & (candidates * np.append(ascending[1:], np.inf) * (1.0 + 1e-12) >= 1.0)
    found = np.flatnonzero(inside & (k / count >= beta) & np.isfinite(candidates) & (candidates > 0))
    if not len(found):
        raise ValueError("No multiplier exists for these density ratios. Take the optimal weights of Theorem 1.")
    multiplier = candidates[found[0]]
    covered = np.minimum((1.0 - beta) * ratios * multiplier, 1.0)
    return _normalized(1.0 - covered), float(multiplier)


def top_share(ratios: Ratios, beta: float, share: float = 0.5) -> tuple[Array, float]:
    """Equal weights on the examples that the mixture covers least (the authors' "topk" heuristic), none on the others.

    Args:
        ratios, beta: as in `optimal`; beta plays no part.
        share: float in (0, 1], default 0.5 (the authors'), of the examples.

    Returns:
        `(weights, multiplier)`, as in `optimal`; the multiplier is the largest ratio that still gets weight.
    """
    ratios, _ = _check(ratios, beta)
    kept = np.argsort(ratios, kind="stable")[: max(1, round(share * len(ratios)))]
    weights = np.zeros(len(ratios))
    weights[kept] = 1.0 / len(kept)
    return weights, float(ratios[kept[-1]])


def uniform(ratios: Ratios, beta: float) -> tuple[Array, float]:
    """Equal weights: a bag of independent components instead of boosting."""
    ratios, _ = _check(ratios, beta)
    return np.full(len(ratios), 1.0 / len(ratios)), 1.0


def beta_for_share(ratios: Ratios, share: float) -> float:
    """The largest beta at which `optimal` gives weight to no more than a share of the examples.

    With k examples of weight, `(k r_(k) - S_k) / N < beta / (1 - beta) <= (k r_(k+1) - S_k) / N`, `S_k = sum_{i<=k} r_(i)`.

    Args:
        ratios: array (examples,) of finite density ratios. share: float in (0, 1).

    Returns:
        float in (0, 1). Where too many ratios are equal to be told apart, the smallest larger share is taken.
    """
    ascending = np.sort(_check(ratios, 0.5)[0])
    if not 0.0 < share < 1.0:
        raise ValueError(f"`share` must lie between 0 and 1. Received: {share!r}.")
    count = len(ascending)
    bounds = (np.arange(1, count) * ascending[1:] - np.cumsum(ascending)[:-1]) / count
    bounds = bounds[max(1, int(share * count)) - 1 :]
    bounds = bounds[bounds > 1e-12]
    if not len(bounds):
        raise ValueError("The density ratios of the examples are all equal: no beta gives weight to a part of them.")
    return float(bounds[0] / (1.0 + bounds[0]))


@keras.saving.register_keras_serializable("kgan")
class WeightedShare:
    """A schedule of beta: as large as it may be while no more than a share of the examples gets weight; see `beta_for_share`.

    Args:
        share: float in (0, 1), default 0.5.
        largest: float in (0, 1), default 0.5: beta is cut there.
    """

    def __init__(self, share: float = 0.5, largest: float = 0.5) -> None:
        for name, value in {"share": share, "largest": largest}.items():
            if not 0.0 < value < 1.0:
                raise ValueError(f"`{name}` must lie between 0 and 1. Received: {value!r}.")
        self.share, self.largest = share, largest

    def __call__(self, component: int, ratios: Ratios) -> float:
        return min(beta_for_share(ratios, self.share), self.largest)

    def get_config(self) -> Config:
        return {"share": self.share, "largest": self.largest}

    @classmethod
    def from_config(cls, config: Config) -> "WeightedShare":
        return cls(**config)


def append_share(shares: Array | Sequence[float], beta: float) -> Array:
    """The shares of a mixture's components after one more gets beta: `((1 - beta) shares, beta)`."""
    return np.append((1.0 - beta) * np.asarray(shares, "float64"), beta)


WEIGHTINGS: dict[str, Callable[..., tuple[Array, float]]] = {
    "optimal": optimal,
    "dagger": dagger,
    "topk": top_share,
    "uniform": uniform,
}


def _check(ratios: Any, beta: float) -> tuple[Array, float]:
    ratios = np.asarray(ratios, "float64")
    if ratios.ndim != 1 or not len(ratios) or not (ratios >= 0).all():
        raise ValueError(
            f"Density ratios must be numbers >= 0, one for each example. Received shape {ratios.shape}"
            f"{', with NaN or negative values' if ratios.size else ''}."
        )
    if not 0.0 < beta < 1.0:
        raise ValueError(
            f"`beta` must lie between 0 and 1: with 0 the new component has no part in the mixture, with 1 the others vanish. "
            f"Received: {beta!r}."
        )
    return ratios, float(beta)


def _normalized(weights: Array) -> Array:
    return weights / weights.sum()
