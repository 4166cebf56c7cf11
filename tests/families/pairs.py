"""One-number networks for games on pairs: E(x) = e x, G(z) = g z, l(x, z) = a x + b z, at x = 2 and z = 3 with noise 1."""

import keras
import numpy as np
from keras import layers, ops

import kgan

X, Z, E, G, A, B = 2.0, 3.0, 0.5, -1.0, 1.0, 2.0


class Always(kgan.priors.Prior):
    """Draws the one latent."""

    def __call__(self, shape, seed=None):
        return ops.ones(shape) * Z


def linear(sizes, weights, name):
    inputs = [keras.Input((n,)) for n in sizes]
    x = inputs[0] if len(inputs) == 1 else layers.Concatenate()(inputs)
    network = keras.Model(
        inputs if len(inputs) > 1 else inputs[0], layers.Dense(np.shape(weights)[-1], use_bias=False)(x), name=name
    )
    network.set_weights([np.asarray(weights, "float32")])
    return network


def networks(encoder=((E,),), discriminator=((A,), (B,))):
    return {
        "encoder": linear([1], encoder, "encoder"),
        "generator": linear([1], [[G]], "generator"),
        "discriminator": linear([1, 1], discriminator, "discriminator"),
    }


def evaluate(model, name, batch=None, monkeypatch=None):
    """Terms and gradients of a move as floats, gradients in the order of its players' weights."""
    if monkeypatch is not None:
        monkeypatch.setattr(keras.random, "normal", lambda shape, *a, **k: ops.ones(shape))
    model.compile()
    batch = ops.convert_to_tensor([[X]]) if batch is None else batch
    with kgan.backend.no_gradient(), model._play.point(training=True):
        result = model._play.evaluate(model._play.moves[name], batch)
    terms = {key: float(ops.convert_to_numpy(value)) for key, value in result.terms.items()}
    return terms, np.concatenate([ops.convert_to_numpy(g).ravel() for g in result.gradients])


def softplus(t):
    return np.log1p(np.exp(t))


def sigmoid(t):
    return 1 / (1 + np.exp(-t))
