"""Proof of BiGAN: on digits the encoder learns to invert the generator, though no loss asks for it."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import bidirectional

WIDTH, LATENT, BATCH = 256, 20, 128


def digits(seed):
    """Pixels in [0, 1], 1400 to train and 397 to test, with labels."""
    images, labels = kgan.datasets.arrays("digits", "all")
    order = np.random.default_rng(seed).permutation(len(images))
    pixels, labels = (images[order].reshape(-1, 64) + 1) / 2, labels[order]
    return (pixels[:1400], labels[:1400]), (pixels[1400:], labels[1400:])


def blind(discriminator):
    """The same discriminator with its maps of the code at zero."""
    examples, code = keras.Input((64,), name="examples"), keras.Input((LATENT,), name="latent")
    nothing = layers.Rescaling(0.0, name="nothing")(code)
    return keras.Model([examples, code], discriminator([examples, nothing]), name="blind_discriminator")


def ratio(model, test, seed):
    """`||x - G(E(x))||` and the same against another x', means over the test set, and the one over the other."""
    made = model.reconstruct(test)
    others = test[np.random.default_rng(seed).permutation(len(test))]
    own, other = (float(np.linalg.norm(x - made, axis=1).mean()) for x in (test, others))
    return own, other, own / other


def nearest_neighbor(model, train, test):
    """1-NN accuracy on the layer before the encoder's output."""
    features = kgan.networks.with_features(model.encoder, "activation_1")
    a, b = (ops.convert_to_numpy(features(x[0], training=False)[0]) for x in (train, test))
    nearest = ((b**2).sum(1)[:, None] + (a**2).sum(1) - 2 * b @ a.T).argmin(1)
    return float((train[1][nearest] == test[1]).mean())


def build(seed, steps, sees_code=True):
    keras.utils.set_random_seed(seed)
    encoder, generator, discriminator = bidirectional.perceptrons((64,), LATENT, WIDTH, data_interval=(0.0, 1.0))
    discriminator = discriminator if sees_code else blind(discriminator)
    model = kgan.BiGAN(encoder=encoder, generator=generator, discriminator=discriminator, seed=seed)
    optimizers = {
        move: keras.optimizers.Adam(kgan.optimizers.HoldThenDecay(2e-4, steps), beta_1=0.5, epsilon=1e-8)
        for move in ("discriminator", "generator")
    }
    model.compile(optimizers, steps_per_execution=min(50, steps // 4))
    return model


def minibatches(train, rounds, seed):
    rng = np.random.default_rng(seed)
    passes = -(-rounds * BATCH // len(train))
    return np.concatenate([train[rng.permutation(len(train))] for _ in range(passes)])[: rounds * BATCH]


def inversion(report, seed, steps):
    """Part A: the ratio of reconstruction errors along training; 1 where E and G have nothing to do with each other."""
    train, test = digits(seed)
    model = build(seed, steps)
    report.figure("A ratio at the start", ratio(model, test[0], seed)[2], seed=seed)
    quarter, path = steps // 4, []
    for part in range(4):
        data = minibatches(train[0], quarter, 10 * seed + part)
        if part == 0:
            # Before its first step.
            first = model.evaluate(data[:BATCH], batch_size=BATCH, verbose=0, return_dict=True)["discriminator/adversarial"]
        history = model.fit(data, batch_size=BATCH, shuffle=False, verbose=0).history
        model.estimate_statistics(train[0])
        own, other, share = ratio(model, test[0], seed)
        path.append(round(share, 3))
    codes = model.encode(test[0])
    accuracy = nearest_neighbor(model, train, test)
    report.figure("A loss of D at the start", first, "0.693 +- 0.03", abs(first - np.log(2)) <= 0.03, seed)
    report.figure(f"A ratio every {quarter} iterations", path, seed=seed)
    report.figure("A ||x - G(E(x))||, against another x", [own, other], seed=seed)
    report.figure("A ratio at the end", share, "<= 0.65", share <= 0.65, seed)
    report.figure("A standard deviation of E(x) (prior 0.577)", float(codes.std()), seed=seed)
    report.figure("A loss of D in the last quarter", history["discriminator/adversarial"][0], seed=seed)
    report.figure("A 1-NN accuracy on features", accuracy, ">= 0.90", accuracy >= 0.90, seed)


def without_code(report, seed, steps):
    """Part B: a discriminator whose maps of the code are zero teaches the encoder nothing."""
    train, test = digits(seed)
    model, path = build(seed, steps, sees_code=False), []
    for part in range(4):
        model.fit(minibatches(train[0], steps // 4, 10 * seed + part), batch_size=BATCH, shuffle=False, verbose=0)
        model.estimate_statistics(train[0])
        path.append(ratio(model, test[0], seed)[2])
    report.figure("B ratio without the code (smallest of four)", min(path), ">= 0.98", min(path) >= 0.98, seed)


PARTS = {"A": (inversion, 6000), "B": (without_code, 3000)}


if __name__ == "__main__":
    run("bigan", __doc__, PARTS)
