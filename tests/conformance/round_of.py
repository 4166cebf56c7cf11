"""Play one round of rows of the table on one backend, from equal weights, data and noise, and write the resulting weights.

Run as `KERAS_BACKEND=... python -m tests.conformance.round_of FILE.npz ROW ...`.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import ops

from tests.conformance.specs import SPECS


def key(seed):
    """The numbers of a Keras seed, whatever the backend keeps them in."""
    if seed is None:
        return [0]  # initial values, which `main` replaces
    state = seed.next() if isinstance(seed, keras.random.SeedGenerator) else [seed, 0]
    if "Tracer" in type(state).__name__:
        return [0]  # JAX looking for the names of the terms: no numbers yet
    return [int(n) for n in np.asarray(ops.convert_to_numpy(state)).ravel()]


def numpy_noise():
    """Replace Keras' random functions, which differ from backend to backend, by NumPy's on the same seeds."""

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return ops.convert_to_tensor((mean + stddev * np.random.default_rng(key(seed)).normal(size=shape)).astype("float32"))

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return ops.convert_to_tensor(np.random.default_rng(key(seed)).uniform(minval, maxval, shape).astype("float32"))

    keras.random.normal, keras.random.uniform = normal, uniform


def main(path, *names):
    results = {}
    for name in names:
        spec = SPECS[name]
        model = spec.build()
        rng = np.random.default_rng(11)
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0  # its masks come from the framework
            if isinstance(layer, keras.layers.GaussianNoise):
                layer.stddev = 0.0
        for weight in model.weights:
            if weight.trainable or weight.name == "reference":
                weight.assign(rng.normal(0.0, 0.3, weight.shape).astype("float32"))
        for layer in model._flatten_layers():
            if hasattr(layer, "advance"):
                u = rng.normal(size=layer.u.shape).astype("float32")
                layer.u.assign(u / np.linalg.norm(u))
                layer.advance()
        numpy_noise()
        # Plain descent: Adam divides rounding errors by rounding errors where a gradient is zero.
        model.compile(optimizers={move: keras.optimizers.SGD(0.05) for move in spec.schedule}, run_eagerly=True)
        count = model._play.per_round * 6
        model.fit(*spec.data(count), batch_size=6, shuffle=False, verbose=0)
        for index, weight in enumerate(model.weights):
            results[f"{name}|{index}|{weight.path}"] = ops.convert_to_numpy(weight)
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
