"""Proof of the improved techniques: historical averaging, minibatch layers, label smoothing, semi-supervised digits."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import Shift, adam, generator_of, run
from kgan import AdversarialModel, Move, Turn
from kgan.networks import improved
from kgan.networks.blocks import activation, dense

STARTS = ((-2.0, -1.0), (0.5, 0.5), (2.0, 2.0))


class Point(keras.layers.Layer):
    """A player that is three numbers: one for each start, which do not interact."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.at = self.add_weight(shape=(len(start),), name="at")
        self.at.assign(start)
        self.built = True


class Toy(AdversarialModel):
    """V(x, y) = (f(x) - 1)(y - 1), f(x) = x below 0 and x^2 above; x minimizes, y maximizes, at one point."""

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        xs, ys = zip(*STARTS, strict=True)
        self.x, self.y = Point(xs, name="x"), Point(ys, name="y")
        self.x_history = kgan.penalties.HistoricalAverage(self.x, weight, name="x_history")
        self.y_history = kgan.penalties.HistoricalAverage(self.y, weight, name="y_history")

    def value(self):
        x, y = ops.convert_to_tensor(self.x.at), ops.convert_to_tensor(self.y.at)
        return ops.sum((ops.where(x < 0, x, x * x) - 1.0) * (y - 1.0))

    def turns(self):
        moves = (
            Move("x", ("x",), lambda _: {"value": self.value(), "history": self.x_history.term()}),
            Move("y", ("y",), lambda _: {"value": -self.value(), "history": self.y_history.term()}),
        )
        return (Turn(moves),)

    def default_optimizers(self):
        return {"x": keras.optimizers.SGD(0.01), "y": keras.optimizers.SGD(0.01)}


def history(report, seed, steps):
    """Part A: 20,000 simultaneous steps of 0.01 from three starts; the equilibrium is (1, 1)."""
    for weight, text in ((0.1, "< 0.01"), (0.0, "> 1"), (5.0, None)):
        model = Toy(weight, seed=seed)
        model.compile(steps_per_execution=min(500, steps))
        model.fit(np.zeros((steps, 1), "float32"), batch_size=1, shuffle=False, verbose=0)
        x, y = (ops.convert_to_numpy(p.at) for p in (model.x, model.y))
        distances = [round(float(d), 5) for d in np.hypot(x - 1, y - 1)]
        ok = {"< 0.01": max(distances) < 0.01, "> 1": min(distances) > 1}.get(text)
        report.figure(f"A lambda={weight:g}: distances to (1, 1)", distances, text, ok, seed)


class OneDigit(keras.layers.Layer):
    """A generator that copies one real digit into the whole minibatch, another one each time."""

    def __init__(self, digits, **kwargs):
        super().__init__(**kwargs)
        self.digits = digits
        self.dummy = self.add_weight(shape=(), initializer="zeros", name="dummy")

    def call(self, z):
        index = ops.cast(z[0, 0] * len(self.digits), "int32")
        chosen = ops.take(ops.convert_to_tensor(self.digits), index, axis=0)
        return ops.repeat(ops.expand_dims(chosen, 0), ops.shape(z)[0], axis=0) + 0.0 * self.dummy

    def compute_output_shape(self, shape):
        return (shape[0], self.digits.shape[1])


def collapse_detector(layer):
    x = inputs = keras.Input((64,))
    for index in range(3):
        x = activation(0.2, f"leaky_{index}")(dense(64, f"hidden_{index}")(x))
    if layer == "discrimination":
        x = kgan.layers.MinibatchDiscrimination(16, 8, name="minibatch")(x)
    if layer == "stddev":
        x = layers.Flatten()(kgan.layers.MinibatchStdDev(None, name="minibatch")(layers.Reshape((1, 1, 64))(x)))
    return keras.Model(inputs, dense(1, "logit")(x), name="discriminator")


def collapse_loss(layer, seed, steps):
    """The discriminator's loss between 32 distinct digits and 32 copies of one, over its last tenth of steps."""
    keras.utils.set_random_seed(seed)
    images, _ = kgan.datasets.arrays("digits", "train")
    digits = (images.reshape(-1, 64) + 1) / 2
    model = kgan.GAN(
        (64,),
        generator=generator_of(OneDigit(digits, name="one_digit"), 1),
        discriminator=collapse_detector(layer),
        prior=kgan.priors.Uniform(0.0, 1.0),
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3, beta_1=0.9))
    epochs = max(2, -(-steps // (len(digits) // 32)))
    losses = model.fit(digits, batch_size=32, epochs=epochs, verbose=0).history["discriminator/adversarial"]
    return float(np.mean(losses[-max(1, epochs // 10) :]))


def minibatch_layers(report, seed, steps):
    """Part B: each example alone tells nothing; only the minibatch does."""
    without, discrimination = (collapse_loss(layer, seed, steps) for layer in (None, "discrimination"))
    report.figure("B loss without a minibatch layer", without, "> 1.35", without > 1.35, seed)
    report.figure("B loss with minibatch discrimination", discrimination, "< 0.05", discrimination < 0.05, seed)


def smoothing(report, seed, steps):
    """Part C: real and generated data from one Gaussian, real target 0.9: the mean of D is 0.45."""
    model = kgan.GAN(
        (1,),
        generator=generator_of(Shift(0.0, name="shift"), 1),
        discriminator=kgan.networks.mlp.discriminator((1,), (32,)),
        objective=kgan.objectives.OneSidedSmoothing(0.9),
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3))
    data = np.random.default_rng(seed).normal(size=(256 * steps, 1)).astype("float32")
    model.fit(data, batch_size=256, verbose=0)
    mean = float(ops.mean(ops.sigmoid(model.discriminator(data[:10_000]))))
    report.figure("C mean of D", mean, "0.45 +- 0.01", abs(mean - 0.45) < 0.01, seed)


def accuracy(data, labels, test, unlabeled_weight, seed, steps):
    keras.utils.set_random_seed(seed)
    model = kgan.ImprovedGAN(
        (64,),
        classes=10,
        generator=improved.perceptron_generator((64,), 100, (150, 150)),
        discriminator=improved.perceptron_classifier((64,), 10, (200, 150, 100), (0.3, 0.5, 0.5, 0.5)),
        feature_layer="activation_2",
        unlabeled_weight=unlabeled_weight,
        seed=seed,
    )
    model.compile(optimizers=adam(3e-3, 3e-3), averages={"discriminator": 0.995})
    rounds = len(labels) // 100  # of two minibatches of 50
    passes = 30
    repeated = {key: value.repeat(passes, axis=0) for key, value in data.items()}
    epochs = max(1, round(steps / (rounds * passes)))
    model.fit(repeated, labels.repeat(passes), batch_size=50, epochs=epochs, verbose=0)
    images, truth = test
    raw = ops.convert_to_numpy(model.discriminator(images)).argmax(-1)
    return float((raw == truth).mean()), float((model.classify(images).argmax(-1) == truth).mean())


def semi_supervised(report, seed, steps):
    """Part E: three labels per class among 1000 digits, 797 held out: the supervised part alone, and the game."""
    images, labels = kgan.datasets.arrays("digits", "all")
    pixels = (images.reshape(-1, 64) + 1) / 2
    data, kept = kgan.datasets.semi_supervised(pixels[:1000], labels[:1000], 3, seed)
    test = pixels[1000:], labels[1000:]
    alone, alone_average = accuracy(data, kept, test, 0.0, seed, steps)
    game, game_average = accuracy(data, kept, test, 1.0, seed, steps)
    report.figure("E accuracy, supervised part alone (weights, average)", [alone, alone_average], seed=seed)
    report.figure("E accuracy, feature-matching game (weights, average)", [game, game_average], seed=seed)
    GAINS.append(game_average - alone_average)
    mean = float(np.mean(GAINS))
    report.figure("E mean gain so far (average)", mean, "> 0.02", mean > 0.02 if len(GAINS) >= 2 else None, seed)


GAINS = []
PARTS = {
    "A": (history, 20_000),
    "B": (minibatch_layers, 1500),
    "C": (smoothing, 2000),
    "E": (semi_supervised, 6000),
}


if __name__ == "__main__":
    run("improved_gan", __doc__, PARTS)
