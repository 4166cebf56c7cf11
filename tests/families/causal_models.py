"""What the tests of causal families share: small models, terms and gradients of a move, formulas in NumPy."""

import warnings

import keras
import numpy as np
from keras import ops

import kgan
from tests.families.pairs import linear, sigmoid

EAGER = keras.backend.backend() != "jax"  # there, every operation of an eager step is compiled by itself


def numpy_of(x):
    return ops.convert_to_numpy(x)


def warned(call, text):
    """Whether a call warns of something, whatever a backend has to say besides."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return any(text in str(w.message) for w in caught)


def evaluate(model, move, *batch):
    """Terms and observations of a move as floats; its gradient, flat."""
    batch = tuple(ops.convert_to_tensor(np.asarray(b, "float32")) for b in batch)
    with kgan.backend.no_gradient(), model._play.point(training=True):
        result = model._play.evaluate(model._play.moves[move], batch if len(batch) > 1 else batch[0])
    return {k: float(numpy_of(v)) for k, v in result.terms.items()}, np.concatenate(
        [numpy_of(g).ravel() for g in result.gradients]
    )


def slope(function, point):
    """The gradient of a NumPy function by central differences."""
    steps = 1e-5 * np.eye(len(point))
    return np.array([(function(point + s) - function(point - s)) / 2e-5 for s in steps])


def bce(logits, labels):
    p = sigmoid(logits)
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def swapped(logits, labels):
    q = sigmoid(logits)
    return -np.mean(q * np.log(labels) + (1 - q) * np.log(1 - labels))


def small_controller(graph="collider", **kwargs):
    return kgan.CausalController(graph, noise_size=2, hidden=(4,), critic_hidden=(6,), discriminator_steps=1, seed=0, **kwargs)


WEIGHTS = {"generator": [0.5, -1.0, 2.0], "discriminator": [0.8], "labeler": [1.5, -0.5], "anti_labeler": [-0.7, 0.9]}


def one_dimensional(labels=2, **change):
    """Linear networks without biases: [z, labels] to a number, a number to a logit or two."""
    weights = {
        "generator": np.ones(1 + labels),
        "discriminator": [0.8],
        "labeler": np.ones(labels),
        "anti_labeler": np.ones(labels),
    }
    weights.update(WEIGHTS if labels == 2 else {})
    weights.update(change)
    return {
        name: linear([len(w)], np.reshape(w, (-1, 1)), name) if name == "generator" else linear([1], [w], name)
        for name, w in weights.items()
    }
