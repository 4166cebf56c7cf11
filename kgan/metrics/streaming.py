"""Metrics for `compile(metrics=[...])`: they accumulate over the minibatches of `evaluate` at constant memory."""

import keras
from keras import ops

from kgan.backend import name as backend_name
from kgan.metrics import functional


def _wide():
    """Sums over many samples are kept in float64 where the backend has it."""
    return "float32" if backend_name() == "jax" else "float64"


def _check_extractor(extractor):
    if not callable(extractor) or not hasattr(extractor, "name") or not hasattr(extractor, "feature_size"):
        raise TypeError(
            "An extractor is a callable from images to features (batch, feature_size) with the attributes `name` and "
            f"`feature_size`. Received: {extractor!r}."
        )
    return extractor


@keras.saving.register_keras_serializable("kgan")
class FrechetDistance(keras.metrics.Metric):
    """Frechet distance between the features of real and of generated examples (1706.08500), streamed.

    Its name carries the extractor, `frechet_distance[digits-mlp64]`; `samples` tells how many examples of each it has seen. It is called
    FID only by an extractor that is the original Inception network. The distance is computed once, when the evaluation is over
    (`deferred`), on the host in float64.

    Args:
        extractor: callable from examples to features (batch, feature_size), with attributes `name` and `feature_size`;
            `kgan.metrics.DigitClassifier()` for digits.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.arrays("digits", "test")
    >>> metric = kgan.metrics.FrechetDistance(kgan.metrics.DigitClassifier())
    >>> metric.update_state(images, images)
    >>> metric.name, abs(metric.result()) < 1e-4
    ('frechet_distance[digits-mlp64]', True)
    """

    deferred = True

    def __init__(self, extractor, name=None, **kwargs):
        self.extractor = _check_extractor(extractor)
        super().__init__(name=name or f"frechet_distance[{extractor.name}]", **kwargs)
        d = extractor.feature_size
        self._sums = {}
        for side in ("real", "fake"):
            self._sums[side] = [
                self.add_variable((), "zeros", _wide(), name=f"{side}_count"),
                self.add_variable((d,), "zeros", _wide(), name=f"{side}_sum"),
                self.add_variable((d, d), "zeros", _wide(), name=f"{side}_products"),
            ]

    def update_state(self, real, fake, sample_weight=None):
        for side, examples in (("real", real), ("fake", fake)):
            features = ops.cast(self.extractor(examples), _wide())
            count, total, products = self._sums[side]
            count.assign_add(ops.cast(ops.shape(features)[0], _wide()))
            total.assign_add(ops.sum(features, axis=0))
            products.assign_add(ops.matmul(ops.transpose(features), features))

    @property
    def samples(self):
        """How many real examples were seen."""
        return int(self._sums["real"][0])

    def _moments(self, side):
        count, total, products = (ops.convert_to_numpy(v).astype("float64") for v in self._sums[side])
        if count < 2:
            return None
        mean = total / count
        return mean, (products - count * mean[:, None] * mean) / (count - 1)

    def result(self):
        moments = self._moments("real"), self._moments("fake")
        if None in moments:
            return float("nan")
        return functional.frechet_distance_from_moments(*moments[0], *moments[1])

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "extractor": keras.saving.serialize_keras_object(self.extractor)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("extractor")), **config)


@keras.saving.register_keras_serializable("kgan")
class KernelDistance(keras.metrics.Mean):
    """Kernel distance between real and generated features (1801.01401): the unbiased estimate of every minibatch, averaged.

    The KID of the paper averages over random subsets of 1000; here the subsets are the minibatches of `evaluate`, which keeps memory
    constant and the estimate unbiased. `kgan.metrics.kernel_distance` is the paper's protocol on arrays.

    Args:
        extractor: as for `FrechetDistance`.
    """

    def __init__(self, extractor, name=None, **kwargs):
        self.extractor = _check_extractor(extractor)
        super().__init__(name=name or f"kernel_distance[{extractor.name}]", **kwargs)

    def update_state(self, real, fake, sample_weight=None):
        super().update_state(_kernel_mmd2(self.extractor(real), self.extractor(fake)))

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "extractor": keras.saving.serialize_keras_object(self.extractor)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("extractor")), **config)


def _kernel_mmd2(real, fake):
    """`functional.kernel_mmd2` for compiled steps; a test holds the two together."""
    d = real.shape[-1]

    def off_diagonal(a):
        kernel = (ops.matmul(a, ops.transpose(a)) / d + 1.0) ** 3
        n = ops.cast(ops.shape(a)[0], kernel.dtype)
        return (ops.sum(kernel) - ops.sum(ops.diagonal(kernel))) / (n * (n - 1.0))

    cross = ops.mean((ops.matmul(real, ops.transpose(fake)) / d + 1.0) ** 3)
    return off_diagonal(real) + off_diagonal(fake) - 2.0 * cross


class _OnMixture(keras.metrics.Metric):
    """Counts of high-quality generated points per mode."""

    def __init__(self, mixture, sigmas=3.0, name=None, **kwargs):
        super().__init__(name=name or self.default_name, **kwargs)
        self.mixture, self.sigmas = mixture, sigmas
        self.counts = self.add_variable((len(mixture.centres),), "zeros", name="counts")
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, real, fake, sample_weight=None):
        centres = ops.convert_to_tensor(self.mixture.centres)
        squared = ops.sum(ops.square(ops.expand_dims(ops.cast(fake, "float32"), 1) - centres), axis=-1)
        good = ops.cast(ops.min(squared, axis=1) < (self.sigmas * self.mixture.stddev) ** 2, "float32")
        nearest = ops.one_hot(ops.argmin(squared, axis=1), len(self.mixture.centres), dtype="float32")
        self.counts.assign_add(ops.sum(nearest * ops.expand_dims(good, 1), axis=0))
        self.total.assign_add(ops.cast(ops.shape(fake)[0], "float32"))

    def get_config(self):
        mixture = {"centres": self.mixture.centres.tolist(), "stddev": self.mixture.stddev}
        return {"name": self.name, "dtype": self.dtype, "mixture": mixture, "sigmas": self.sigmas}

    @classmethod
    def from_config(cls, config):
        from kgan.datasets.mixtures import Mixture

        return cls(Mixture(**config.pop("mixture")), **config)


@keras.saving.register_keras_serializable("kgan")
class ModesCovered(_OnMixture):
    """Number of modes of a mixture that generated points reach, see `kgan.metrics.mode_statistics`.

    Args:
        mixture: `kgan.datasets.Mixture`. sigmas: float, default 3.0.
    """

    default_name = "modes"

    def result(self):
        return ops.sum(ops.cast(self.counts.value > 0, "float32"))


@keras.saving.register_keras_serializable("kgan")
class HighQualityShare(_OnMixture):
    """Share of generated points within `sigmas` standard deviations of their nearest mode. Args: as `ModesCovered`."""

    default_name = "high_quality"

    def result(self):
        return ops.sum(self.counts.value) / ops.maximum(self.total.value, 1.0)
