"""Frechet distance: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", 1706.08500, Eq. 6."""

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import keras
import numpy as np
from numpy.typing import ArrayLike

from kgan import cache as cached
from kgan import checks
from kgan.files import arrays_of, atomic_write, reading
from kgan.metrics.extractors import ExtractorLike, check_extractor
from kgan.types import Array, Config, Tensor


def frechet_distance_from_moments(
    mean_1: ArrayLike, covariance_1: ArrayLike, mean_2: ArrayLike, covariance_2: ArrayLike
) -> float:
    """Squared Frechet distance of two Gaussians: 1706.08500, Eq. 6.

    `|mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`. The trace of the root is the sum of the singular values of
    `S_1^(1/2) S_2^(1/2)`, each root from a symmetric eigenvalue problem. Real by construction, and right to rounding for singular
    covariances, where the general matrix square root returns complex numbers.

    Args:
        mean_1, mean_2: arrays (d,). covariance_1, covariance_2: arrays (d, d), symmetric.

    Returns:
        float >= 0 up to rounding.

    Raises:
        ValueError: for shapes that do not fit together, NaN or infinite values.

    Example: N(0, I) against N(e_1, diag(4, 1, 1/4)).

    >>> import numpy as np
    >>> round(frechet_distance_from_moments(np.zeros(3), np.eye(3), np.eye(3)[0], np.diag([4.0, 1.0, 0.25])), 6)
    2.25
    """
    mean_1, mean_2, covariance_1, covariance_2 = (np.asarray(a, "float64") for a in (mean_1, mean_2, covariance_1, covariance_2))
    d = len(np.atleast_1d(mean_1))
    shapes = [a.shape for a in (mean_1, covariance_1, mean_2, covariance_2)]
    if shapes != [(d,), (d, d)] * 2:
        raise ValueError(f"Means must be (d,) and covariances (d, d) with one d. Received: {shapes}.")
    if not all(np.isfinite(a).all() for a in (mean_1, mean_2, covariance_1, covariance_2)):
        raise ValueError("The moments contain NaN or infinite values: the generator or the extractor has diverged.")
    cross = np.linalg.svd(_root(covariance_1).T @ _root(covariance_2), compute_uv=False).sum()
    difference = mean_1 - mean_2
    return float(difference @ difference + np.trace(covariance_1) + np.trace(covariance_2) - 2.0 * cross)


def _root(covariance: Array) -> Array:
    """R with `R R^T` the covariance; a rotation of its symmetric root, which singular values do not see."""
    values, vectors = np.linalg.eigh(covariance)
    # What rounding leaves where there is no variance would count by its root, some 1e-8 a direction.
    noise = max(values[-1], 0.0) * len(values) * np.finfo("float64").eps
    return vectors * np.sqrt(np.where(values > noise, values, 0.0))


def frechet_distance(real: Array, fake: Array) -> float:
    """Frechet distance of two feature sets, with means and unbiased covariances (ddof 1).

    Biased upwards for few samples: compare only figures of equal sample sizes. The authors recommend 10,000 samples and used 50,000.

    Args:
        real, fake: arrays (samples, features).

    Returns:
        float.

    Raises:
        ValueError: for fewer than 2 samples, NaN or infinite values, two feature sizes.

    Warns:
        UserWarning: for no more samples than features, for then a covariance is singular.

    Example:
    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(frechet_distance(points, points + [3.0, 4.0]), 6)
    25.0
    """
    real, fake = checks.pair(real, fake)
    return Moments.of(real).distance(Moments.of(fake))


@keras.saving.register_keras_serializable("kgan")
@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of a feature set: all that a Frechet distance needs of the real data.

    Args:
        mean: array (d,). covariance: array (d, d), unbiased (ddof 1).
        count: >= 2, samples behind them.
        extractor: name of the extractor that made the features, default "" (unknown): two known names must agree.

    Raises:
        ValueError: for shapes that do not fit together, NaN or infinite values, fewer than 2 samples.

    Example:
    >>> import numpy as np
    >>> moments = Moments.of(np.asarray([[0.0, 0.0], [2.0, 2.0]]), "corners")
    >>> moments.mean, moments.count
    (array([1., 1.]), 2)
    """

    mean: Array
    covariance: Array
    count: int
    extractor: str = ""

    def __post_init__(self) -> None:
        mean, covariance = np.asarray(self.mean, "float64"), np.asarray(self.covariance, "float64")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise ValueError(f"Moments need a mean (d,) and a covariance (d, d). Received: {mean.shape}, {covariance.shape}.")
        if self.count < 2:
            raise ValueError(f"Moments need at least 2 samples. Received: {self.count}.")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("The moments contain NaN or infinite values: the generator or the extractor has diverged.")

    @classmethod
    def of(cls, features: Array, extractor: str = "") -> Self:
        """Moments of features (samples, d)."""
        features = checks.features(features, "Features")
        return cls(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)), len(features), extractor)

    @classmethod
    def of_batches(cls, extractor: ExtractorLike, batches: Iterable[Tensor]) -> Self:
        """Moments of the features of batches of examples, summed at constant memory in float64."""
        check_extractor(extractor)
        count = 0
        total: Any = 0.0  # like `products` an array from the first batch on
        products: Any = 0.0
        for batch in batches:
            features = np.asarray(keras.ops.convert_to_numpy(extractor(batch)), "float64")
            count += len(features)
            total = total + features.sum(axis=0)
            products = products + features.T @ features
        if count < 2:
            raise ValueError(f"Moments need at least 2 samples. Received: {count}.")
        return cls.of_sums(count, total, products, extractor.name)

    @classmethod
    def of_sums(cls, count: Any, total: Array, products: Array, extractor: str = "") -> Self:
        """Moments from the sum of features (d,) and of their outer products (d, d)."""
        mean = total / count
        return cls(mean, (products - count * np.outer(mean, mean)) / (count - 1), int(count), extractor)

    def check(self, extractor: ExtractorLike) -> None:
        """Refuse features of another extractor.

        Raises:
            ValueError: naming both.
        """
        if self.extractor not in ("", extractor.name) or len(self.mean) != extractor.feature_size:
            raise ValueError(
                f"These moments are of {self.extractor or 'unnamed'} features ({len(self.mean)}), the extractor is "
                f"{extractor.name} ({extractor.feature_size}). Compute them again with `kgan.metrics.reference_moments`."
            )

    def distance(self, other: "Moments") -> float:
        """Frechet distance to other moments. Errors and warnings: as `frechet_distance`."""
        if len(self.mean) != len(other.mean):
            raise ValueError(f"Both sets need one feature size. Received: {len(self.mean)} and {len(other.mean)}.")
        if "" not in (self.extractor, other.extractor) and self.extractor != other.extractor:
            raise ValueError(f"Features of two extractors do not compare: {self.extractor!r} and {other.extractor!r}.")
        if min(self.count, other.count) <= len(self.mean):
            warnings.warn(
                f"A Frechet distance of {self.count} and {other.count} samples with {len(self.mean)} features rests on singular "
                "covariances. Use more samples than features.",
                stacklevel=3,
            )
        return frechet_distance_from_moments(self.mean, self.covariance, other.mean, other.covariance)

    # Files -----------------------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Any]:
        return {"mean": self.mean, "covariance": self.covariance, "count": self.count, "extractor": self.extractor}

    def save(self, path: str | Path) -> None:
        """Write an `.npz` file, atomically."""
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"Moments are stored as .npz files. Received: {str(path)!r}.")
        atomic_write(path, self.write)

    def write(self, path: str) -> None:
        """As `save`, to a path of any name, not atomically."""
        with open(path, "wb") as file:
            np.savez(file, **self._arrays())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError; ValueError: another kind of file.
        """
        with reading(path, "a file of moments"), open(path, "rb") as file:
            return cls._read(file)

    @classmethod
    def _read(cls, file: IO[bytes]) -> Self:
        arrays = arrays_of(file, ("mean", "covariance", "count", "extractor"))
        return cls(arrays["mean"], arrays["covariance"], int(arrays["count"]), str(arrays["extractor"]))

    def get_config(self) -> Config:
        """The content of the file as text, so that a compiled metric can be saved with its model."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self._arrays())
        return {"npz": base64.b64encode(buffer.getvalue()).decode()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls._read(io.BytesIO(base64.b64decode(config["npz"])))


def reference_moments(
    name: str,
    extractor: ExtractorLike,
    batches: Iterable[Tensor] | Callable[[], Iterable[Tensor]],
    cache: str | Path | None = None,
) -> Moments:
    """Moments of real data, computed once and kept in the cache.

    Args:
        name: str of letters, digits, ".", "_" and "-": which data, in which version and size ("digits-test", "cifar10-train-32").
            It is all that tells one cached file of an extractor from another.
        extractor: as for `FrechetDistance`.
        batches: iterable of batches of examples, or a callable that returns one and is called only when nothing is cached.
            Every example counts: do not drop the incomplete last batch.
        cache: folder, default None: `$KGAN_CACHE`, or `~/.cache/kgan`.

    Returns:
        `Moments`.

    Raises:
        ValueError: for another kind of name; for fewer than 2 examples.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.arrays("digits", "test")
    >>> reference = kgan.metrics.reference_moments("digits-test", kgan.metrics.DigitClassifier(), lambda: [images[:500], images[500:]])
    >>> reference.count, reference.extractor
    (899, 'digits-mlp64')
    """
    check_extractor(extractor)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"`name` must consist of letters, digits, '.', '_' and '-'. Received: {name!r}.")
    folder = cached.folder() if cache is None else Path(cache)
    path = folder / f"moments_{name}_{re.sub(r'[^A-Za-z0-9.-]', '_', extractor.name)}.npz"
    try:
        moments = Moments.load(path)
        moments.check(extractor)
        return moments
    except (OSError, ValueError):
        moments = Moments.of_batches(extractor, batches() if callable(batches) else batches)
    cached.store(path, moments._arrays())
    return moments
