"""Proof of manifold invariance: tangents of known curves; reconstructions that keep their class; few labels on handwritten digits."""

import functools

import keras
import numpy as np
from keras import layers, ops
from sklearn.neighbors import KNeighborsClassifier

import kgan
from benchmarks.proofs.harness import generator_of, run
from kgan.networks import bidirectional, improved, mlp

CURVES, SPACE, TURN = 4, 20, 2.0 * np.pi
LATENTS, TANGENTS, LABELS, BATCH = 16, 8, 5, 100


# Known curves -----------------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("proofs")
class Curves(layers.Layer):
    """The decoder of closed curves: s = t + 2 pi c becomes M_c (cos t, sin t, cos 2t, sin 2t)."""

    def __init__(self, maps, **kwargs):
        super().__init__(**kwargs)
        self.maps = self.add_weight(shape=np.shape(maps), initializer=keras.initializers.Constant(maps), name="maps")

    def call(self, s):
        waves = ops.concatenate([ops.cos(s), ops.sin(s), ops.cos(2.0 * s), ops.sin(2.0 * s)], axis=-1)
        curve = ops.clip(ops.cast(ops.floor(s[:, 0] / TURN), "int32"), 0, CURVES - 1)
        return ops.einsum("bij,bj->bi", ops.take(ops.convert_to_tensor(self.maps), curve, axis=0), waves)

    def compute_output_shape(self, shape):
        return (shape[0], SPACE)


@keras.saving.register_keras_serializable("proofs")
class NearestPlace(layers.Layer):
    """Their encoder: the s of the nearest of many points on the curves."""

    def __init__(self, places, points, **kwargs):
        super().__init__(**kwargs)
        self.places, self.points = (
            self.add_weight(shape=np.shape(v), initializer=keras.initializers.Constant(v), name=name)
            for name, v in (("places", places), ("points", points))
        )

    def call(self, x):
        points = ops.convert_to_tensor(self.points)
        distances = ops.sum(ops.square(points), axis=1) - 2.0 * ops.matmul(x, ops.transpose(points))
        return ops.take(ops.convert_to_tensor(self.places), ops.argmin(distances, axis=1), axis=0)

    def compute_output_shape(self, shape):
        return (shape[0], 1)


def waves(t):
    return np.stack([np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t)], axis=1)


@functools.cache
def curves(seed):
    """Four maps; places, points, curves and unit tangents of 1,000 points to learn from and 1,000 to test with."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(CURVES, SPACE, 4)) / 2.0
    t, curve = rng.uniform(0.0, TURN, 2000), np.arange(2000) % CURVES
    points = np.einsum("bij,bj->bi", maps[curve], waves(t))
    slopes = np.einsum(
        "bij,bj->bi", maps[curve], np.stack([-np.sin(t), np.cos(t), -2 * np.sin(2 * t), 2 * np.cos(2 * t)], axis=1)
    )
    unit = slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
    return maps.astype("float32"), (t + TURN * curve)[:, None].astype("float32"), points.astype("float32"), curve, unit


def networks_of_curves(maps):
    """The exact encoder and decoder of the curves, and a discriminator that is asked nothing."""
    places = np.linspace(0.0, TURN * CURVES, 4096, endpoint=False)
    points = np.einsum("bij,bj->bi", maps[(places // TURN).astype(int)], waves(places))
    examples = keras.Input((SPACE,))
    return {
        "encoder": keras.Model(examples, NearestPlace(places[:, None], points)(examples), name="encoder"),
        "generator": generator_of(Curves(maps), 1),
        "discriminator": bidirectional.veegan_perceptrons((SPACE,), 1, 0, (2,), (2,))[2],
    }


def on_curves(seed, steps, given=None, **weights):
    """Error of a small classifier with two labels of each curve; the model."""
    maps, _, points, curve, _ = curves(seed)
    keras.utils.set_random_seed(seed)
    model = kgan.ManifoldSSL(
        classes=CURVES,
        inference_rounds=0,
        unlabeled_weight=0.0,
        classifier=mlp.discriminator((SPACE,), (64, 64), "softplus", outputs=CURVES, name="classifier"),
        matcher=mlp.generator((SPACE,), 1, (2,)),
        seed=seed,
        **networks_of_curves(maps),
        **{"tangent_weight": 0.0, "jacobian_weight": 0.0, **weights},
    )
    model.compile(
        optimizers={"classifier": keras.optimizers.Adam(1e-3), "matcher": keras.optimizers.SGD(0.0)},
        steps_per_execution=min(50, steps),
    )
    data, labels = kgan.datasets.semi_supervised(points[:1000], curve[:1000], labels_per_class=2, seed=seed)
    if given is not None:
        data["tangents"] = given[:, None]
    model.fit(data, labels, batch_size=BATCH, epochs=max(1, steps // 10), verbose=0)
    return float((model.classify(points[1000:]).argmax(1) != curve[1000:]).mean()), model


def known_curves(report, seed, steps):
    """Part A: four closed curves in twenty dimensions, two labels each, no unsupervised term. Tangents of an exact decoder."""
    _, _, points, _, unit = curves(seed)
    alone, _ = on_curves(seed, steps)
    tangents, model = on_curves(seed, steps, tangent_weight=0.1)
    cosines = np.abs((model.tangents_at(points)[:, 0] * unit).sum(1))
    error = float(1.0 - cosines.min())
    report.figure("A one minus the least cosine of tangents with the curve's own", error, "< 1e-3", error < 1e-3, seed)
    drawn = np.random.default_rng(seed + 10).normal(size=(1000, SPACE)).astype("float32")
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    random, _ = on_curves(seed, steps, given=drawn, tangent_weight=0.1)
    norm, _ = on_curves(seed, steps, jacobian_weight=0.01)
    report.figure("A error, labels alone", alone, seed=seed)
    report.figure("A error, the Jacobian's norm", norm, seed=seed)
    report.figure("A error, random directions", random, ">= 0.1", random >= 0.1, seed)
    report.figure("A error, tangents", tangents, "<= 0.02", tangents <= 0.02, seed)


# Reconstructions --------------------------------------------------------------------------------------------------------


def networks_of_pairs(shape, units):
    hidden = (units, units)
    made = bidirectional.veegan_perceptrons(shape, LATENTS, 0, hidden, hidden, data_interval=(0.0, 1.0), nonlinearity=0.1)
    return dict(zip(("encoder", "generator", "discriminator"), made, strict=True))


def inference(train, units, seed, steps, **kwargs):
    """An encoder and a generator after so many rounds."""
    keras.utils.set_random_seed(seed)
    model = kgan.AugmentedBiGAN(**networks_of_pairs(train.shape[1:], units), seed=seed, **kwargs)
    model.compile(steps_per_execution=min(20, steps))
    per_epoch = len(train) // 64
    model.fit(train, batch_size=64, epochs=max(1, round(steps / per_epoch)), steps_per_epoch=min(steps, per_epoch), verbose=0)
    return model


def class_error(model, train, test):
    """Share of reconstructions that three nearest neighbors take for another class than their examples', and their mean squared error."""
    made = model.reconstruct(test[0])
    judge = KNeighborsClassifier(3).fit(*train)
    return float((judge.predict(made) != test[1]).mean()), float(((made - test[0]) ** 2).mean())


def flat(split, name):
    images, labels = kgan.datasets.arrays(name, split)
    return (images.reshape(len(images), -1) + 1.0) / 2.0, labels


def small_digits(seed):
    """8x8 digits: 1,397 to train, 400 to test."""
    pixels, labels = flat("all", "digits")
    order = np.random.default_rng(seed).permutation(len(pixels))
    return (pixels[order[400:]], labels[order[400:]]), (pixels[order[:400]], labels[order[:400]])


KINDS = {
    "BiGAN": {"third_pair": False, "feature_matching": False},
    "BiGAN, features matched": {"third_pair": False},
    "three pairs, standard losses": {"feature_matching": False},
    "augmented BiGAN": {},
}


def reconstructions(report, seed, steps):
    """Part B: the paper's measure of inference, on 8x8 digits. The judge errs on 1.5 % of the real test images."""
    train, test = small_digits(seed)
    found = {}
    for kind, kwargs in KINDS.items():
        model = inference(train[0], 128, seed, steps, **kwargs)
        found[kind], squared = class_error(model, train, test)
        report.figure(f"B class error of reconstructions, {kind}", found[kind], seed=seed)
        report.figure(f"B squared error by pixel, {kind}", squared, seed=seed)
    spread = float(model.encode(test[0]).std())
    report.figure("B standard deviation of codes, augmented", spread, "0.8 to 1.2", 0.8 <= spread <= 1.2, seed)
    deviation = float(model.generate(1000, seed=seed).std(0).mean())
    real = float(train[0].std(0).mean())
    report.figure(f"B standard deviation of a sample's pixel (data: {real:.3f})", deviation, seed=seed)
    bigan, matched, _, augmented = found.values()
    report.over_seeds("B class error, augmented BiGAN", augmented, seed, "mean <= 0.12", lambda v: v <= 0.12)
    report.over_seeds("B class error, BiGAN", bigan, seed, "mean >= 0.5", lambda v: v >= 0.5)
    ratio = matched / max(augmented, 1e-3)
    report.over_seeds("B times as many errors with two kinds of pairs", ratio, seed, "mean >= 2", lambda v: v >= 2.0)


@functools.cache
def trained(seed, steps, third_pair=True):
    return inference(flat("train", "mnist")[0], 256, seed, steps, third_pair=third_pair)


def real_digits(report, seed, steps):
    """Part C: the same on 28x28 digits, 4,000 to train and 1,000 to test."""
    train, test = flat("train", "mnist"), flat("test", "mnist")
    whole, squared = class_error(trained(seed, steps), train, test)
    two, other = class_error(trained(seed, steps, third_pair=False), train, test)
    report.figure("C squared error by pixel, augmented BiGAN", squared, seed=seed)
    report.figure("C squared error by pixel, BiGAN, features matched", other, seed=seed)
    report.over_seeds("C class error, augmented BiGAN", whole, seed, "mean <= 0.18", lambda v: v <= 0.18)
    share = whole / max(two, 1e-3)
    report.figure("C class error, BiGAN, features matched", two, seed=seed)
    report.over_seeds("C share of the errors of two kinds of pairs", share, seed, "mean <= 0.5", lambda v: v <= 0.5)


# Few labels -------------------------------------------------------------------------------------------------------------


def few_labels(pair, seed, steps, tangents=None, **weights):
    """Error on 1,000 digits held out, from five labels a class among 4,000."""
    (train, labels), (test, truth) = flat("train", "mnist"), flat("test", "mnist")
    keras.utils.set_random_seed(seed)
    model = kgan.ManifoldSSL(
        classes=10,
        inference_rounds=0,
        tangents=TANGENTS,
        encoder=pair.encoder,
        generator=pair.generator,
        discriminator=pair.discriminator,
        classifier=improved.perceptron_classifier((784,), 10, (256, 256), (0.3, 0.5, 0.5), name="classifier"),
        matcher=improved.perceptron_generator((784,), LATENTS, (256, 256), name="matcher"),
        seed=seed,
        **weights,
    )
    model.compile(averages={"classifier": 0.995}, steps_per_execution=min(20, steps))
    data, kept = kgan.datasets.semi_supervised(train, labels, LABELS, seed)
    if tangents is not None:
        data["tangents"] = tangents
    per_epoch = len(kept) // BATCH
    model.fit(
        data, kept, batch_size=BATCH, epochs=max(1, round(steps / per_epoch)), steps_per_epoch=min(steps, per_epoch), verbose=0
    )
    return float((model.classify(test).argmax(1) != truth).mean())


def real_few_labels(report, seed, steps):
    """Part D: tangents of part C's pair, beside labels alone, the same game without tangents, and random directions."""
    pair = trained(seed, 6 * steps)
    train, quiet = flat("train", "mnist")[0], {"tangent_weight": 0.0, "jacobian_weight": 0.0}
    found = {"labels alone": few_labels(pair, seed, steps, unlabeled_weight=0.0, **quiet)}
    found["no tangents"] = few_labels(pair, seed, steps, **quiet)
    tangents = pair.tangents_at(train, TANGENTS)
    found["tangents"] = few_labels(pair, seed, steps, tangents, tangent_weight=0.01, jacobian_weight=0.0)
    drawn = np.random.default_rng(seed + 10).normal(size=tangents.shape).astype("float32")
    drawn /= np.linalg.norm(drawn, axis=-1, keepdims=True)
    found["random directions"] = few_labels(pair, seed, steps, drawn, tangent_weight=0.01, jacobian_weight=0.0)
    for name, error in found.items():
        report.figure(f"D error, {name}", error, seed=seed)
    alone, without, with_tangents, random = found.values()
    report.over_seeds(
        "D points of error saved beside labels alone", alone - with_tangents, seed, "mean >= 0.02", lambda v: v >= 0.02
    )
    # The paper's claims on SVHN and CIFAR-10; a trial on digits did not find them.
    report.over_seeds("D points saved beside no tangents", without - with_tangents, seed, "mean > 0", lambda v: v > 0.0)
    report.over_seeds("D points saved beside random directions", random - with_tangents, seed, "mean > 0", lambda v: v > 0.0)


PARTS = {"A": (known_curves, 2500), "B": (reconstructions, 6000), "C": (real_digits, 6000), "D": (real_few_labels, 1000)}


if __name__ == "__main__":
    run("manifold_ssl", __doc__, PARTS)
