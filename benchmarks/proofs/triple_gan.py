"""Proof of Triple-GAN: whose gradient goes where, exactly; five labels a class of handwritten digits, error and classes asked for."""

import functools

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import objectives
from kgan.networks import improved, triple

LATENTS, LABELS, BATCH = 64, 5, 60


def gradient(function, *tensors):
    return kgan.backend.value_and_gradients(lambda t: (function(*t), None), [ops.convert_to_tensor(t) for t in tensors])[1]


def exact(report, seed, steps):
    """Part A: sixteen examples, ten classes."""
    rng = np.random.default_rng(seed)
    logits, losses = rng.normal(size=(16, 10)).astype("float32"), rng.uniform(0.1, 2.0, (16, 10)).astype("float32")
    (whole,) = gradient(lambda t: objectives.label_expectation(t, losses), logits)
    p = ops.convert_to_numpy(ops.softmax(logits))
    mean = 0.0
    for k in range(10):  # every label, by how likely it is drawn
        labels = np.full(16, k, "int32")
        (one,) = gradient(lambda t, y=labels, c=losses[:, k]: objectives.label_reinforce(t, y, c), logits)
        mean = mean + p[:, k : k + 1] * ops.convert_to_numpy(one)
    apart = float(np.abs(mean - ops.convert_to_numpy(whole)).max())
    report.figure("A REINFORCE in the mean beside the sum over labels", apart, "< 1e-6", apart < 1e-6, seed)
    best = p.argmax(1).astype("int32")
    (found,) = gradient(lambda t: objectives.label_argmax(t, best, losses[np.arange(16), best]), logits)
    chosen, cost = np.eye(10)[best], losses[np.arange(16), best][:, None]
    share = (p * chosen).sum(1, keepdims=True)
    apart = float(np.abs(ops.convert_to_numpy(found) - cost * share * (chosen - p) / 16).max())
    report.figure("A argmax beside its gradient by hand", apart, "< 1e-6", apart < 1e-6, seed)


@functools.cache
def digits(split):
    """Vectors in [0, 1] and labels: 4,000 to train, 1,000 to test."""
    images, labels = kgan.datasets.arrays("mnist", split)
    return (images.reshape(len(images), -1) + 1.0) / 2.0, labels


@functools.cache
def judge():
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(3).fit(*digits("train"))


def networks():
    return {
        "generator": triple.perceptron_generator((784,), LATENTS, 10, (256, 256)),
        "discriminator": triple.perceptron_discriminator((784,), 10, (256, 256), (0.3, 0.5, 0.5), 0.1),
        "classifier": improved.perceptron_classifier((784,), 10, (256, 256), (0.3, 0.5, 0.5), name="classifier"),
    }


def trained(family, seed, steps, **kwargs):
    """A model after so many rounds on digits, of which five of each class have labels."""
    keras.utils.set_random_seed(seed)
    model = family(
        classes=10,
        latent_size=LATENTS,
        prior=kgan.priors.Uniform(-1.0, 1.0),
        seed=seed,
        **{"pretraining_rounds": steps // 10, "generated_start": steps // 2, **networks(), **kwargs},
    )
    rates = dict.fromkeys(model.default_optimizers(), 5e-4) | {"classifier": 1e-3}
    model.compile(
        optimizers={move: keras.optimizers.Adam(rate, beta_1=0.5) for move, rate in rates.items()},
        averages={"classifier": 0.99},
        steps_per_execution=min(20, steps),
    )
    data, kept = kgan.datasets.semi_supervised(*digits("train"), LABELS, seed)
    model.fit(data, kept, batch_size=BATCH, epochs=max(1, round(steps / (len(kept) // BATCH))), verbose=0)
    return model


def error(model):
    test, truth = digits("test")
    return float((model.classify(test).argmax(1) != truth).mean())


def alone(seed, steps):
    """The classifier on its labels: a game that never begins, so that the other players cost nothing."""
    quiet = {
        "pretraining_rounds": 10**9,
        "generated_weight": 0.0,
        "adversarial_weight": 0.0,
        "entropy_weight": 0.0,
        "balance_weight": 0.0,
    }
    return error(trained(kgan.TripleGAN, seed, steps, **quiet))


def obedience(model, seed):
    """Share of samples that the judge takes for what was asked for."""
    asked = np.arange(1000) % 10
    return float((judge().predict(model.generate(1000, condition=asked, seed=seed)) == asked).mean())


def on_digits(report, seed, steps):
    """Part B: 4,000 digits, five labels a class, 1,000 held out. The judge: three nearest neighbors among all 4,000 with their labels."""
    beside, model = alone(seed, steps), trained(kgan.TripleGAN, seed, steps)
    found, asked = error(model), obedience(model, seed)
    report.figure("B error, labels alone", beside, seed=seed)
    report.figure("B error, Triple-GAN", found, seed=seed)
    report.over_seeds("B points of error saved", beside - found, seed, "mean >= 0", lambda v: v >= 0.0)
    report.over_seeds("B samples of the class asked for", asked, seed, "mean >= 0.65", lambda v: v >= 0.65)


PARTS = {"A": (exact, 1), "B": (on_digits, 2970)}


if __name__ == "__main__":
    run("triple_gan", __doc__, PARTS)
