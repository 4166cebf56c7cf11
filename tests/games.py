"""Toy games whose every step can be worked out by hand."""

import functools

import keras
from keras import ops

from kgan import AdversarialModel, Move, Turn


@keras.saving.register_keras_serializable("tests")
class Weight(keras.layers.Layer):
    """One trainable vector, and a counter that advances in every training call."""

    def __init__(self, value=(1.0,), **kwargs):
        super().__init__(**kwargs)
        self.initial = [float(v) for v in value]
        self.weight = self.add_weight(
            shape=(len(self.initial),), initializer=lambda shape, dtype: ops.convert_to_tensor(self.initial, dtype), name="weight"
        )
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")
        self.built = True

    def call(self, training=False):
        if training:
            self.calls.assign_add(1.0)
        return ops.convert_to_tensor(self.weight)

    def get_config(self):
        return {**super().get_config(), "value": self.initial}


def sgd(*moves, rate=0.1):
    return {move: keras.optimizers.SGD(rate) for move in moves}


@keras.saving.register_keras_serializable("tests")
class Bilinear(AdversarialModel):
    """l_D = psi theta x, l_G = -psi theta x, with x the mean of the minibatch: the game that rotates.

    `turns_of` maps the model to its turns, so that tests can play any schedule.
    """

    def __init__(self, psi=1.0, theta=1.0, turns_of=None, **kwargs):
        super().__init__(**kwargs)
        self.psi, self.theta = psi, theta
        self.discriminator = Weight((psi,), name="discriminator")
        self.generator = Weight((theta,), name="generator")
        self.memory = self.add_weight(shape=(), initializer="zeros", trainable=False, name="memory")
        self._turns_of = turns_of

    def value(self, x):
        return ops.sum(self.discriminator(training=self.in_training) * self.generator(training=self.in_training)) * ops.mean(x)

    def d_move(self, **kwargs):
        return Move("discriminator", ("discriminator",), lambda x: self.value(x), **kwargs)

    def g_move(self, **kwargs):
        return Move("generator", ("generator",), lambda x: -self.value(x), **kwargs)

    def turns(self):
        if self._turns_of is not None:
            return self._turns_of(self)
        return (Turn((self.d_move(),)), Turn((self.g_move(),), fresh=False))

    def default_optimizers(self):
        return sgd("discriminator", "generator")

    def point(self):
        return tuple(float(ops.convert_to_numpy(p.weight)[0]) for p in (self.discriminator, self.generator))


def ones(count):
    import numpy as np

    return np.ones((count, 1), "float32")


@functools.cache
def strategy():
    """One for the whole process: TensorFlow numbers the collectives of a second one like those of the first."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
