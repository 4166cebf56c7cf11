"""Small trained classifiers that stand in for the Inception network, each on one kind of images. They come with kgan."""

import functools
from collections.abc import Iterable

import keras
from keras import ops

from kgan import presets
from kgan.images import area_shares
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


def averaged(images: Tensor, size: int) -> Tensor:
    """Images (batch, height, width, channels) brought to size x size: every pixel the mean over the area that it covers."""
    rows, columns = (area_shares(n, size) for n in images.shape[1:3])
    return ops.einsum("bw,nawc->nabc", columns, ops.einsum("ah,nhwc->nawc", rows, images))


@functools.cache
def _weights(preset: str) -> tuple[tuple[Array, Array], ...]:
    """Kernels and biases of a shipped network, layer by layer."""
    arrays = presets.load(preset).get_weights()
    return tuple(zip(arrays[::2], arrays[1::2], strict=True))


@functools.cache
def _reference(preset: str) -> Moments:
    return Moments.load(presets.further_file(preset, "moments.npz"))


class Judge(Extractor):
    """Base of the trained classifiers. A subclass has `name`, that of its preset, and `_fitted`.

    Trained by `python -m benchmarks.judges`, and shipped with the SHA-256 sums of its files (`kgan.presets`).

    Call it with gray images (batch, n, n, 1) in [-1, 1]; values outside are clipped. It returns the features of the last hidden layer and
    runs inside compiled steps on every backend.
    """

    feature_size = 64
    batch_size = 1024
    own_classes = True

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
    batch_size = 4096

    def _fitted(self, images: Tensor) -> Tensor:
        if images.shape[1] % 8:
            raise ValueError(f"Digit images must be (batch, n, n, 1) with n a multiple of 8. Received: {tuple(images.shape)}.")
        times = images.shape[1] // 8
        return ops.mean(ops.reshape(images, (-1, 8, times, 8, times, 1)), axis=(2, 4))


class _Convolutional(Judge):
    """Two convolutions 3x3 of stride 2 (16 and 32 maps), a layer of 64, the features, and ten classes; on images of 28 pixels."""

    def _fitted(self, images: Tensor) -> Tensor:
        if images.shape[1] == 32:  # padded, as the papers do and `kgan.datasets` does
            return images[:, 2:30, 2:30]
        return images if images.shape[1] == 28 else averaged(images, 28)


@keras.saving.register_keras_serializable("kgan")
class MNISTClassifier(_Convolutional):
    """Features and class probabilities of MNIST's digits: "judge 28", two convolutions and a layer of 64.

    Trained on the 4,000 digits of `kgan.datasets.arrays("mnist", "train")`, moved by up to two pixels; 97.5 % right on the 1,000 held out.
    Distances over its features are named after it (`frechet_distance[mnist-cnn]`): they are no FID and compare only with each other. Its
    `reference()` are the moments of the 1,000.

    Call it with images (batch, n, n, 1) in [-1, 1]: 28 pixels; 32, of which the border of two is cut off, so that it should be padding;
    any other size is averaged over areas to 28. Values outside are clipped. It returns the 64 features of the last hidden layer and runs
    inside compiled steps on every backend.

    Example:
    >>> import kgan
    >>> classifier = kgan.metrics.MNISTClassifier()
    >>> classifier.reference().count, classifier.name
    (1000, 'mnist-cnn')
    """

    name = "mnist-cnn"


@keras.saving.register_keras_serializable("kgan")
class FashionClassifier(_Convolutional):
    """Features and class probabilities of Fashion-MNIST: the network of `MNISTClassifier`, sizes and range as there.

    Trained on the 60,000 pictures of the training set, moved by up to two pixels; 90.1 % right on the 10,000 of the test set, whose
    moments are its `reference()`. Figures are named after it (`frechet_distance[fashion-cnn]`).

    Example:
    >>> import kgan
    >>> classifier = kgan.metrics.FashionClassifier()
    >>> classifier.reference().count, classifier.name
    (10000, 'fashion-cnn')
    """

    name = "fashion-cnn"
