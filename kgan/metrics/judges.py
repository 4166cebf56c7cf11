"""Small trained classifiers that stand in for the Inception network, each on one kind of images. They come with kgan."""

import functools
from collections.abc import Iterable

import keras
from keras import ops

from kgan import presets
from kgan.metrics.extractors import Extractor
from kgan.metrics.frechet import Moments
from kgan.types import Array, Tensor


def in_layers(images: Tensor, kernels_and_biases: Iterable[tuple[Array, Array]]) -> Tensor:
    """Convolutions of stride 2 and dense layers, ReLU behind every one: features (batch, units).

    Plain operations on constants, not Keras layers: they have no variables that would belong to a replica, a session or a trace.

    Args:
        images: (batch, height, width, channels). kernels_and_biases: kernels (h, w, in, out) of convolutions, "same" padding, and
            (in, out) of the dense layers behind them.
    """
    for kernel, bias in kernels_and_biases:
        if kernel.ndim == 4:
            x = ops.conv(images, kernel, strides=2, padding="same", data_format="channels_last")
        else:
            x = ops.matmul(ops.reshape(images, (-1, kernel.shape[0])), kernel)
        images = ops.relu(ops.add(x, bias))
    return images


@functools.cache
def _weights(preset: str) -> tuple[tuple[Array, Array], ...]:
    """Kernels and biases of a shipped network, layer by layer."""
    arrays = presets.load(preset).get_weights()
    return tuple(zip(arrays[::2], arrays[1::2], strict=True))


@functools.cache
def _reference(preset: str) -> Moments:
    return Moments.load(presets.further_file(preset, "moments.npz"))


class Judge(Extractor):
    """Base of the trained classifiers. A subclass has `name`, that of its preset, `size`, of the images that it knows, and `_fitted`.

    Trained by `python -m benchmarks.judges`, and shipped with the SHA-256 sums of its files (`kgan.presets`).

    Call it with gray images (batch, n, n, 1) in [-1, 1]; values outside are clipped. It returns the features of the last hidden layer and
    runs inside compiled steps on every backend.
    """

    feature_size = 64
    batch_size = 1024
    own_classes = True
    size: int

    def __init__(self) -> None:
        # Here, not in the first call, which may be traced.
        *self._hidden, self._last = _weights(self.name)

    def __call__(self, images: Tensor) -> Tensor:
        images = ops.cast(images, "float32")
        if len(images.shape) != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 1:
            raise ValueError(f"{self.name} judges images (batch, n, n, 1). Received: {tuple(images.shape)}.")
        images = self._fitted(images)
        return in_layers((ops.clip(images, -1.0, 1.0) + 1.0) / 2.0, self._hidden)

    def _fitted(self, images: Tensor) -> Tensor:
        """Images of the size that the network knows."""
        raise NotImplementedError(f"{type(self).__name__} must define _fitted(images).")

    def _averaged(self, images: Tensor) -> Tensor:
        """Blocks averaged."""
        times = images.shape[1] // self.size
        return ops.mean(ops.reshape(images, (-1, self.size, times, self.size, times, 1)), axis=(2, 4))

    def classify(self, features: Tensor) -> Tensor:
        """Class probabilities (batch, 10) from features, a tensor."""
        kernel, bias = self._last
        return ops.softmax(ops.add(ops.matmul(features, kernel), bias))

    def reference(self) -> Moments:
        """The moments of the features of all real held-out images, for `FrechetDistance(judge, judge.reference())`."""
        return _reference(self.name)


@keras.saving.register_keras_serializable("kgan")
class DigitClassifier(Judge):
    """Features and class probabilities of 8x8 digits: a perceptron 64-128-64-10 (ReLU).

    Trained on the train half of `kgan.datasets.arrays("digits")`, 98 % right on the test half. Distances over its features are named
    after it (`frechet_distance[digits-mlp64]`): they are no FID and compare only with each other.

    Call it with images (batch, n, n, 1) in [-1, 1], n a multiple of 8: larger images are averaged to 8x8, values outside clipped. It
    returns the 64 features of the last hidden layer and runs inside compiled steps on every backend.

    Example:
    >>> import kgan
    >>> images, labels = kgan.datasets.arrays("digits", "test")
    >>> classifier = kgan.metrics.DigitClassifier()
    >>> bool((classifier.probabilities(images).argmax(-1) == labels).mean() > 0.96)
    True
    """

    name = "digits-mlp64"
    size = 8
    batch_size = 4096

    def _fitted(self, images: Tensor) -> Tensor:
        if images.shape[1] % 8:
            raise ValueError(f"Digit images must be (batch, n, n, 1) with n a multiple of 8. Received: {tuple(images.shape)}.")
        return self._averaged(images)


class _Padded(Judge):
    """Images of 28 pixels, or of more, as the papers pad them."""

    size = 28

    def _fitted(self, images: Tensor) -> Tensor:
        times, margin = divmod(images.shape[1], self.size)
        if not times or margin % 2:
            raise ValueError(
                f"{self.name} judges images of 28x28 pixels, padded or not, and of multiples of these. Received: {tuple(images.shape)}."
            )
        start, end = margin // 2, images.shape[1] - margin // 2
        return self._averaged(images[:, start:end, start:end])


@keras.saving.register_keras_serializable("kgan")
class MNISTClassifier(_Padded):
    """TODO"""

    name = "mnist-cnn"


@keras.saving.register_keras_serializable("kgan")
class FashionClassifier(_Padded):
    """TODO"""

    name = "fashion-cnn"
