"""Metrics for `compile(metrics=[...])`: they accumulate over the minibatches of `evaluate` at constant memory."""

from typing import Any, Self

import keras
from keras import ops

from kgan import backend
from kgan.arguments import SEVERAL, require
from kgan.datasets.mixtures import Mixture
from kgan.metrics.extractors import ClassifierLike, ExtractorLike, check_extractor, title
from kgan.metrics.frechet import Moments
from kgan.types import Config, Sizes, Tensor


def _wide() -> str:
    """Sums over many samples are kept in float64 where the backend has it."""
    return "float32" if backend.name() == "jax" else "float64"


class _OverFeatures:
    """Configuration of a metric that holds an extractor."""

    name: str
    dtype: Any
    extractor: Any

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype, "extractor": keras.saving.serialize_keras_object(self.extractor)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        config = {
            key: keras.saving.deserialize_keras_object(value) if key in ("extractor", "reference") else value
            for key, value in config.items()
        }
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class FrechetDistance(_OverFeatures, keras.metrics.Metric):
    """Frechet distance between the features of real and of generated examples (1706.08500), streamed.

    Its name carries the extractor, `frechet_distance[digits-mlp64]`, and is `FID[...]` with `kgan.metrics.InceptionFeatures` alone;
    `samples` tells how many generated examples it has seen. The distance is computed once, when the evaluation is over (`deferred`),
    on the host in float64. Sums are kept in float64 (float32 on JAX, good for some 10,000 examples).

    Args:
        extractor: callable from examples to features (batch, feature_size), with attributes `name` and `feature_size`;
            `kgan.metrics.DigitClassifier()` for digits.
        reference: `kgan.metrics.Moments` or None, default None: the real examples given to `update_state`. Moments of the whole real
            data (see `kgan.metrics.reference_moments`) take their place, and make figures independent of the examples evaluated on.

    Raises:
        TypeError: for another kind of extractor. ValueError: for moments of another extractor.

    Warns:
        UserWarning: at the result, for no more examples than features.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.arrays("digits", "test")
    >>> metric = kgan.metrics.FrechetDistance(kgan.metrics.DigitClassifier())
    >>> metric.update_state(images, images)
    >>> metric.name, abs(metric.result()) < 1e-4
    ('frechet_distance[digits-mlp64]', True)
    """

    deferred = True

    def __init__(
        self, extractor: ExtractorLike, reference: Moments | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        self.extractor = check_extractor(extractor)
        self.reference = reference
        if reference is not None:
            reference.check(extractor)
        super().__init__(name=name or f"{title('frechet_distance', extractor)}[{extractor.name}]", **kwargs)
        d = extractor.feature_size
        self._sums = {}
        for side in ("fake",) if reference else ("real", "fake"):
            self._sums[side] = [
                self.add_variable((), "zeros", _wide(), name=f"{side}_count"),
                self.add_variable((d,), "zeros", _wide(), name=f"{side}_sum"),
                self.add_variable((d, d), "zeros", _wide(), name=f"{side}_products"),
            ]

    def update_state(self, real: Tensor, fake: Tensor, sample_weight: Any = None) -> None:
        examples = {"real": real, "fake": fake}
        for side, (count, total, products) in self._sums.items():
            features = ops.cast(self.extractor(examples[side]), _wide())
            count.assign_add(ops.cast(ops.shape(features)[0], _wide()))
            total.assign_add(ops.sum(features, axis=0))
            products.assign_add(ops.matmul(ops.transpose(features), features))

    @property
    def samples(self) -> int:
        """How many generated examples were seen."""
        return int(ops.convert_to_numpy(self._sums["fake"][0]))

    def _moments(self, side: str) -> Moments:
        count, total, products = (ops.convert_to_numpy(v).astype("float64") for v in self._sums[side])
        return Moments.of_sums(count, total, products, self.extractor.name)

    def result(self) -> float:
        if self.samples < 2:
            return float("nan")
        return (self.reference or self._moments("real")).distance(self._moments("fake"))

    def get_config(self) -> Config:
        return {**super().get_config(), "reference": keras.saving.serialize_keras_object(self.reference)}


@keras.saving.register_keras_serializable("kgan")
class KernelDistance(_OverFeatures, keras.metrics.Metric):
    """Kernel distance between real and generated features (1801.01401): the unbiased estimate of every subset, averaged.

    The KID of the paper averages over random subsets of 1000; here the subsets are the examples in the order in which they come, whatever
    the minibatches of `evaluate` are, the last one weighted by its size; it is not called KID. Memory is that of one subset. Up to
    `subset_size` examples the figure is `kgan.metrics.kernel_mmd2` of all of them; `kgan.metrics.kernel_distance` is the paper's protocol
    on arrays. A single example over whole subsets has no estimate and is left out; with fewer than 2 in all, the result is nan.

    Args:
        extractor: as for `FrechetDistance`.
        subset_size: >= 2, default 1000 (the authors').

    Raises:
        ValueError: in `update_state`, for other numbers of real than of generated examples.

    Example:
    >>> import kgan
    >>> train, test = (kgan.datasets.arrays("digits", split)[0][:300] for split in ("train", "test"))
    >>> metric = kgan.metrics.KernelDistance(kgan.metrics.DigitClassifier())
    >>> metric.update_state(test, train)
    >>> metric.name, float(metric.result()) < 2
    ('kernel_distance[digits-mlp64]', True)
    """

    def __init__(self, extractor: ExtractorLike, name: str | None = None, subset_size: int = 1000, **kwargs: Any) -> None:
        require(SEVERAL, subset_size=subset_size)
        self.extractor, self.subset_size = check_extractor(extractor), subset_size
        super().__init__(name=name or f"kernel_distance[{extractor.name}]", **kwargs)

        def add(name: str, shape: Sizes = (), dtype: str | None = None) -> keras.Variable:
            # Every replica computes the same, from the examples of all.
            return self.add_variable(shape, "zeros", dtype or _wide(), "only_first_replica", name)

        # The subset that is being filled. What has no place in it any more is written to a row behind the last.
        rows = (subset_size + 1, extractor.feature_size)
        self._rows = [add(f"{side}_rows", rows, "float32") for side in ("real", "fake")]
        self._filled = add("filled", dtype="int32")
        # Sums of the kernel over its pairs within a side and across, and what the full subsets came to.
        self._within, self._across, self._total, self._count = map(add, ("within", "across", "total", "count"))

    def update_state(self, real: Tensor, fake: Tensor, sample_weight: Any = None) -> None:
        sides = [backend.gather_over_replicas(ops.cast(self.extractor(side), "float32")) for side in (real, fake)]
        if len({int(n) for n in (side.shape[0] for side in sides) if n is not None}) > 1:
            raise ValueError(
                f"{self.name} pairs examples: give as many real as generated ones. Received {sides[0].shape[0]} and {sides[1].shape[0]}."
            )
        count, filled = ops.shape(sides[0])[0], backend.snapshot(self._filled)
        places = filled + ops.arange(count, dtype="int32")
        subset, last = places // self.subset_size, (filled + count) // self.subset_size
        together = ops.equal(subset[:, None], subset[None])
        open_rows = ops.logical_and(ops.equal(subset, 0)[:, None], ops.arange(self.subset_size + 1, dtype="int32")[None] < filled)

        def pairs(a: Tensor, b: Tensor, where: Tensor) -> Tensor:
            """The kernel of every row of `a` with the rows of `b` in its subset, summed."""
            kernel = (ops.matmul(a, ops.transpose(b)) / self.extractor.feature_size + 1.0) ** 3
            return ops.sum(ops.cast(ops.where(where, kernel, 0.0), _wide()), axis=1)

        (real, fake), (old_real, old_fake) = sides, map(backend.snapshot, self._rows)
        others = ops.logical_and(together, ops.not_equal(places[:, None], places[None]))
        within = sum(pairs(a, a, others) + 2.0 * pairs(a, old, open_rows) for a, old in ((real, old_real), (fake, old_fake)))
        across = pairs(real, fake, together) + pairs(real, old_fake, open_rows) + pairs(fake, old_real, open_rows)

        stays = ops.equal(subset, last)
        sums: list[Tensor] = []
        for variable, by_row in ((self._within, within), (self._across, across)):
            before, added = backend.snapshot(variable), ops.sum(ops.where(stays, by_row, 0.0))
            sums.append(before + ops.sum(by_row) - added)
            variable.assign(ops.where(last > 0, 0.0, before) + added)
        closed = ops.cast(last, _wide())
        self._total.assign_add(ops.where(last > 0, self._weighted(sums[0], sums[1], self.subset_size), 0.0))
        self._count.assign_add(closed * self.subset_size)
        self._filled.assign(filled + count - last * self.subset_size)
        target = ops.where(stays, places - last * self.subset_size, self.subset_size)[:, None]
        for variable, rows in zip(self._rows, sides, strict=True):
            variable.assign(ops.scatter_update(backend.snapshot(variable), target, rows))

    @staticmethod
    def _weighted(within: Tensor, across: Tensor, size: Any) -> Tensor:
        """The unbiased estimate of a subset times its size: `kgan.metrics.kernel_mmd2` from sums over pairs."""
        return within / (size - 1.0) - 2.0 * across / size

    def result(self) -> Tensor:
        filled = ops.cast(backend.constant(self._filled), _wide())
        known = filled >= 2.0
        last = self._weighted(backend.constant(self._within), backend.constant(self._across), ops.maximum(filled, 2.0))
        count = backend.constant(self._count) + ops.where(known, filled, 0.0)
        total = backend.constant(self._total) + ops.where(known, last, 0.0)
        return ops.where(count > 0, total / ops.maximum(count, 1.0), float("nan"))

    def get_config(self) -> Config:
        return {**super().get_config(), "subset_size": self.subset_size}


@keras.saving.register_keras_serializable("kgan")
class ClassScore(_OverFeatures, keras.metrics.Metric):
    """The exponential of the mean divergence of p(y|x) from p(y) over generated examples (1606.03498), streamed.

    One split over all examples, at the memory of one prediction: `exp(mean_i sum p_i log p_i - sum q log q)` with q the mean
    prediction. See `kgan.metrics.class_score`. Its name carries the classifier, `class_score[digits-mlp64]`, and is `IS[...]` with
    `kgan.metrics.InceptionFeatures` alone. Without examples it is nan.

    Args:
        classifier: extractor with a method `classify` from features to probabilities; `kgan.metrics.DigitClassifier()` for digits.

    Raises:
        TypeError: for another kind of classifier.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.arrays("digits", "test")
    >>> metric = kgan.metrics.ClassScore(kgan.metrics.DigitClassifier())
    >>> metric.update_state(None, images)
    >>> metric.name, float(metric.result()) > 9
    ('class_score[digits-mlp64]', True)
    """

    def __init__(self, extractor: ClassifierLike, name: str | None = None, **kwargs: Any) -> None:
        self.extractor = check_extractor(extractor)
        if not hasattr(extractor, "classify"):
            raise TypeError(f"A class score needs an extractor with `classify(features)`. Received: {extractor!r}.")
        super().__init__(name=name or f"{title('class_score', extractor)}[{extractor.name}]", **kwargs)
        classes = extractor.classify(ops.zeros((1, extractor.feature_size))).shape[-1]
        self.count = self.add_variable((), "zeros", _wide(), name="count")
        self.total = self.add_variable((classes,), "zeros", _wide(), name="total")
        self.entropy = self.add_variable((), "zeros", _wide(), name="entropy")

    def update_state(self, real: Tensor, fake: Tensor, sample_weight: Any = None) -> None:
        p = ops.cast(self.extractor.classify(self.extractor(fake)), _wide())
        self.count.assign_add(ops.cast(ops.shape(p)[0], _wide()))
        self.total.assign_add(ops.sum(p, axis=0))
        self.entropy.assign_add(_p_log_p(p))

    def result(self) -> Tensor:
        return ops.exp(self.entropy / self.count - _p_log_p(self.total / self.count))


def _p_log_p(p: Tensor) -> Tensor:
    return ops.sum(p * ops.log(ops.maximum(p, 1e-12)))


class _OnMixture(keras.metrics.Metric):
    """Counts of high-quality generated points per mode."""

    def __init__(self, mixture: Mixture, sigmas: float = 3.0, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name or self.default_name, **kwargs)
        self.mixture, self.sigmas = mixture, sigmas
        self.counts = self.add_variable((len(mixture.centers),), "zeros", name="counts")
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, real: Tensor, fake: Tensor, sample_weight: Any = None) -> None:
        centers = ops.convert_to_tensor(self.mixture.centers)
        squared = ops.sum(ops.square(ops.expand_dims(ops.cast(fake, "float32"), 1) - centers), axis=-1)
        good = ops.cast(ops.min(squared, axis=1) < (self.sigmas * self.mixture.stddev) ** 2, "float32")
        nearest = ops.one_hot(ops.argmin(squared, axis=1), len(self.mixture.centers), dtype="float32")
        self.counts.assign_add(ops.sum(nearest * ops.expand_dims(good, 1), axis=0))
        self.total.assign_add(ops.cast(ops.shape(fake)[0], "float32"))

    def get_config(self) -> Config:
        mixture = {
            "centers": self.mixture.centers.tolist(),
            "stddev": self.mixture.stddev,
            "weights": self.mixture.weights.tolist(),
            "noisy": self.mixture.noisy,
        }
        return {"name": self.name, "dtype": self.dtype, "mixture": mixture, "sigmas": self.sigmas}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        from kgan.datasets.mixtures import Mixture

        return cls(Mixture(**config.pop("mixture")), **config)


@keras.saving.register_keras_serializable("kgan")
class ModesCovered(_OnMixture):
    """Number of modes of a mixture that generated points reach, see `kgan.metrics.mode_statistics`.

    Args:
        mixture: `kgan.datasets.Mixture`. sigmas: default 3.0.
    """

    default_name = "modes"

    def result(self) -> Tensor:
        return ops.sum(ops.cast(self.counts.value > 0, "float32"))


@keras.saving.register_keras_serializable("kgan")
class HighQualityShare(_OnMixture):
    """Share of generated points within `sigmas` standard deviations of their nearest mode. Args: as `ModesCovered`."""

    default_name = "high_quality"

    def result(self) -> Tensor:
        return ops.sum(self.counts.value) / ops.maximum(self.total.value, 1.0)


class _OnStacks(_OverFeatures, keras.metrics.Metric):
    """Counts of generated images per combination of the classes of their channels."""

    def __init__(self, extractor: ClassifierLike, channels: int = 3, name: str | None = None, **kwargs: Any) -> None:
        self.extractor, self.channels = check_extractor(extractor), channels
        super().__init__(name=name or f"{self.default_name}[{extractor.name}]", **kwargs)
        self.classes = extractor.classify(ops.zeros((1, extractor.feature_size))).shape[-1]
        self.counts = self.add_variable((self.classes**channels,), "zeros", name="counts")

    def update_state(self, real: Tensor, fake: Tensor, sample_weight: Any = None) -> None:
        combination = 0
        for channel in range(self.channels):
            probabilities = self.extractor.classify(self.extractor(fake[..., channel : channel + 1]))
            combination = combination * self.classes + ops.argmax(probabilities, axis=-1)
        self.counts.assign_add(ops.sum(ops.one_hot(combination, self.counts.shape[0], dtype="float32"), axis=0))

    def get_config(self) -> Config:
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("kgan")
class StackedModesCovered(_OnStacks):
    """Number of combinations of classes among generated stacked digits, see `kgan.metrics.stacked_mode_statistics`.

    Args:
        extractor: judge of one channel, with a method `classify`; `kgan.metrics.DigitClassifier()`.
        channels: default 3.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.stack_digits(1000, "test", seed=0)
    >>> metric = kgan.metrics.StackedModesCovered(kgan.metrics.DigitClassifier())
    >>> metric.update_state(None, images)
    >>> 600 < float(metric.result()) < 660
    True
    """

    default_name = "modes"

    def result(self) -> Tensor:
        return ops.sum(ops.cast(self.counts.value > 0, "float32"))


@keras.saving.register_keras_serializable("kgan")
class StackedDivergence(_OnStacks):
    """KL of the combinations of generated stacked digits from the uniform distribution, in nats. Args: as `StackedModesCovered`."""

    default_name = "kl"

    def result(self) -> Tensor:
        share = self.counts.value / ops.maximum(ops.sum(self.counts.value), 1.0)
        return ops.sum(share * ops.log(ops.maximum(share * self.counts.shape[0], 1e-12)))
