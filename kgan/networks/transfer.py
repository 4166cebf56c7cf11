"""What domain transfer networks keep fixed: the features of a classifier (Taigman, Polyak, Wolf, ICLR 2017, arXiv 1611.02200)."""

import math

import keras
import numpy as np
from keras import layers

from kgan.arguments import COUNT, require
from kgan.networks.blocks import check_image_shape, conv, dense, dropout, scaled
from kgan.types import Array, Sizes


def classifier(image_shape: Sizes, classes: int, width: float = 1.0, name: str = "classifier") -> keras.Model:
    """The paper's network for digits: 3x3 convolutions of 64, 128, 256 and 128 maps, each with max pooling and ReLU, and a dense layer.

    Pooling halves the size down to 4x4, and the last takes all of it: the layer "representation" is `(batch, 128)`, before its ReLU.

    Args:
        image_shape: `(size, size, channels)`, size 4 times a power of two, at least 8; 32 is the paper's. Smaller pictures have fewer of
            the first convolutions.
        classes: logits.
        width: default 1, a factor of all channel counts.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, classes)`. Batch norm behind every convolution but the last, and dropout of
        0.3 in front of the logits, which the paper does not mention, are for small sets.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    halvings = int(math.log2(image_shape[0] // 4))
    if image_shape[0] != 4 * 2**halvings:
        raise ValueError(f"The image size must be 4 times a power of two. Received: {image_shape!r}.")
    require(COUNT, classes=classes)
    widths = [64, 128, *[256] * max(1, halvings - 2)]
    x = inputs = keras.Input(image_shape, name="images")
    for level, maps in enumerate(widths[-halvings:]):
        x = conv(scaled(maps, width), 3, f"conv_{level}", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"conv_{level}_norm")(x)
        x = layers.MaxPooling2D(2, data_format="channels_last", name=f"pool_{level}")(x)
        x = layers.Activation("relu", name=f"relu_{level}")(x)
    x = conv(scaled(128, width), 3, "conv_last")(x)
    x = layers.GlobalMaxPooling2D(data_format="channels_last", name="representation")(x)
    x = dropout(0.3, "dropout")(layers.Activation("relu", name="relu_last")(x))
    return keras.Model(inputs, dense(classes, "logits")(x), name=name)


def trained_features(
    images: Array, labels: Array, width: float = 1.0, epochs: int = 20, batch_size: int = 64, seed: int = 0
) -> keras.Model:
    """Features of a classifier that is trained on labeled images of the source: the f of `kgan.DomainTransferNetwork`.

    Args:
        images: float array `(count, size, size, channels)` in [-1, 1]. labels: integers from 0.
        width: of `classifier`. epochs, batch_size: default 20 and 64, with Adam(1e-3).
        seed: default 0, of the order. Weights are drawn as those of any Keras network: `keras.utils.set_random_seed` decides.

    Returns:
        `keras.Model` from images to `(batch, 128 * width)`, divided by their root mean square over `images`, so that weights of losses in
        these features mean the same whatever was trained.

    Example:
    >>> import kgan
    >>> digits, labels = kgan.datasets.arrays("digits")
    >>> f = kgan.networks.transfer.trained_features(digits[:64], labels[:64], width=0.05, epochs=1)
    >>> f.output_shape
    (None, 6)
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if len(images) != len(labels) or not np.issubdtype(labels.dtype, np.integer) or not len(labels) or labels.min() < 0:
        raise ValueError(
            f"Images come with as many labels, integers from 0. Received {len(images)} images, labels {labels.shape} of {labels.dtype}."
        )
    require(COUNT, epochs=epochs, batch_size=batch_size)
    network = classifier(images.shape[1:], int(labels.max()) + 1, width)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-3), loss)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        network.fit(images[order], labels[order], batch_size=batch_size, shuffle=False, verbose=0)
    inner = keras.Model(network.input, network.get_layer("representation").output, name="unscaled")
    size = float(np.sqrt(np.mean(np.square(inner.predict(images, batch_size=256, verbose=0)))))
    scaled_to_one = layers.Rescaling(1.0 / max(size, 1e-6), name="scale")(inner.output)
    return keras.Model(network.input, scaled_to_one, name="features")
