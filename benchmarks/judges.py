"""Train the judges that come with kgan, and say how often they are right on held-out images.

    python -m benchmarks.judges                       # all, into runs/judges
    python -m benchmarks.judges mnist-cnn --output kgan/presets

The same again on the same machine gives the same weights; on another one they differ in their last digits, and so do the SHA-256 sums.
What is in `kgan/presets` was written once, so that figures are the same everywhere. Beside every network lie the moments of its features
over all held-out images.
"""

import argparse
import functools
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

from kgan import backend, datasets, metrics, presets
from kgan.metrics.judges import in_layers

CLASSES = 10
BATCH = 128
RATE = 2e-3
# Where it was trained on unmoved images, a network knows those by heart, and the features of others differ from them.
SHIFT = 2
EPOCHS = {"mnist-cnn": 60, "fashion-cnn": 12}
DATA = {"digits-mlp64": "digits", "mnist-cnn": "mnist", "fashion-cnn": "fashion_mnist"}
LEAST = {"digits-mlp64": 0.96, "mnist-cnn": 0.95, "fashion-cnn": 0.88}


def _layers(convolutions, hidden, dropout=0.0, **options):
    for i, filters in enumerate(convolutions):
        yield layers.Conv2D(filters, 3, 2, "same", activation="relu", name=f"convolution_{i}", **options)
    yield layers.Flatten(name="flat")
    if dropout:
        yield layers.Dropout(dropout, name="dropout")
    for i, units in enumerate(hidden):
        yield layers.Dense(units, activation="relu", name=f"hidden_{i}", **options)
    yield layers.Dense(CLASSES, name="logits", **options)


def network(shape, weights):
    """The network that is stored: started at zero, so that loading it draws no random numbers of anyone's."""
    kernels = weights[::2]
    convolutions = [kernel.shape[-1] for kernel in kernels if kernel.ndim == 4]
    hidden = [kernel.shape[-1] for kernel in kernels if kernel.ndim == 2][:-1]
    start = {"kernel_initializer": "zeros", "bias_initializer": "zeros", "dtype": "float32"}
    model = keras.Sequential([keras.Input(shape, name="images"), *_layers(convolutions, hidden, **start)], name="judge")
    model.set_weights(weights)
    return model


def perceptron(images, labels):
    """Weights of scikit-learn's perceptron on 8x8 digits."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    classifier = MLPClassifier((128, 64), max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(images.reshape(len(images), -1), labels)
    return [array.astype("float32") for pair in zip(classifier.coefs_, classifier.intercepts_, strict=True) for array in pair]


def shifted(images, rng):
    """Every image moved by up to two pixels, black behind it."""
    size = images.shape[1]
    padded = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
    offsets = rng.integers(0, 2 * SHIFT + 1, (len(images), 2))
    return np.stack([image[top : top + size, left : left + size] for image, (top, left) in zip(padded, offsets, strict=True)])


def convolutional(images, labels, epochs):
    """Weights of a network of two convolutions 3x3 of stride 2 (16, 32 maps), a layer of 64 and ten logits, dropout 0.3 behind the
    convolutions; Adam from 2e-3 to 0 along a cosine, minibatches of 128."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(images.shape[1:]), *_layers((16, 32), (64,), dropout=0.3)])
    steps = len(images) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps * epochs)
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        chosen = rng.permutation(len(images))[: steps * BATCH]
        model.fit(shifted(images[chosen], rng), labels[chosen], batch_size=BATCH, shuffle=False, verbose=0)
    return model.get_weights()


def train(name, epochs=None, limit=None):
    """A judge: its network, the share of held-out images that it knows, and their moments.

    Args:
        name: a key of `DATA`. epochs: instead of its own. limit: of images, to see that it runs.
    """
    (images, labels), (test, truth) = (
        tuple(part[:limit] for part in datasets.arrays(DATA[name], split)) for split in ("train", "test")
    )
    images, test = ((part + 1.0) / 2.0 for part in (images, test))
    learn = {"digits-mlp64": perceptron}.get(name, functools.partial(convolutional, epochs=epochs or EPOCHS.get(name)))
    weights = learn(images, labels)
    *hidden, (kernel, bias) = zip(weights[::2], weights[1::2], strict=True)
    features = keras.ops.convert_to_numpy(in_layers(test, hidden))
    accuracy = float(((features @ kernel + bias).argmax(1) == truth).mean())
    return network(images.shape[1:], weights), accuracy, metrics.Moments.of(features, name)


def write(folder, model, moments):
    """A preset, with the moments. Returns its fingerprint."""
    return presets.save(model, folder, {"moments.npz": moments.write})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("judges", nargs="*", help=f"some of {', '.join(DATA)}; default all")
    parser.add_argument("--output", default="runs/judges", help="folder of the presets, one a folder in it")
    parser.add_argument("--smoke", action="store_true", help="an epoch on a few images, to see that everything runs")
    args = parser.parse_args()
    if unknown := sorted(set(args.judges) - set(DATA)):
        parser.error(f"no judge {unknown}; there are {', '.join(DATA)}")
    backend.enable_determinism()
    for name in args.judges or DATA:
        model, accuracy, moments = train(name, *((1, 300) if args.smoke else ()))
        if accuracy < LEAST[name] and not args.smoke:
            raise SystemExit(
                f"{name} knows {accuracy:.3f} of the held-out images; figures need {LEAST[name]}. Nothing was written."
            )
        mark = write(Path(args.output) / name, model, moments)
        print(f"{name}: {accuracy:.4f} of {moments.count} held-out images, fingerprint {mark[:16]}", flush=True)


if __name__ == "__main__":
    main()
