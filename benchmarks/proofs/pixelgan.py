"""Proof of PixelGAN autoencoders: no output sees a later pixel, cached draws are the slow ones, what a code tells of digits."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import PixelCNN, PixelCNNPlusPlus

SHAPE, CODES, BATCH = (14, 14, 1), 20, 64


def randomized(network, rng):
    for weight in network.trainable_weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return network


def leak(network, rng):
    """Largest change of an output when its own pixel or a later one changes, and the share of earlier ones that change it."""
    rows, columns, channels = network.image_shape
    count = rows * columns
    images = np.repeat(rng.uniform(-1, 1, (1, count, channels)), count + 1, axis=0).astype("float32")
    images[np.arange(count), np.arange(count)] += 1.0
    codes = rng.normal(size=(1, network.code_size)).astype("float32") if network.code_size else None
    # One by one: rounding may depend on the place in a batch.
    shaped = images.reshape(-1, 1, rows, columns, channels)
    found = np.stack([ops.convert_to_numpy(network.pixel_outputs(image, codes)).reshape(count, -1) for image in shaped])
    moved = np.abs(found[:-1] - found[-1:]).max(-1)
    return float(np.tril(moved).max()), float((np.triu(moved, 1) > 0).sum() / (count * (count - 1) / 2))


def exact(report, seed, steps):
    """Part A: networks of random weights."""
    rng = np.random.default_rng(seed)
    gated = randomized(PixelCNN((8, 8, 1), 4, filters=8, depth=3, first_kernel_width=3), rng)
    plus = randomized(PixelCNNPlusPlus((8, 8, 1), filters=4, blocks=1, resolutions=2), rng)
    for name, network in (("gated PixelCNN", gated), ("PixelCNN++", plus)):
        later, earlier = leak(network, rng)
        report.figure(f"A {name}: change of an output by its own or a later pixel", later, "= 0", later == 0.0, seed)
        report.figure(f"A {name}: share of earlier pixels that are seen", earlier, seed=seed)
    codes, noise = kgan.priors.OneHot()((8, 4), seed=seed), gated.draw_noise(8, seed=seed)
    cached, slow = (ops.convert_to_numpy(x) for x in (gated({"codes": codes, "noise": noise}), gated.drawn_slowly(noise, codes)))
    different = float((cached != slow).mean())
    report.figure("A cached draws: share of pixels other than the slow ones'", different, "= 0", different == 0.0, seed)


def digits(split):
    """Handwritten digits, averaged to 14 pixels and binarized, with their labels: 4,000 to train, 1,000 to test."""
    images, labels = kgan.datasets.arrays("mnist", split)
    return np.where(images.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4)) > 0.0, 1.0, -1.0).astype("float32"), labels


def decoder(codes, seed):
    keras.utils.set_random_seed(seed)
    return PixelCNN(SHAPE, codes or None, filters=24, depth=4)


def trained(images, steps, seed):
    """A PixelGAN autoencoder of twenty codes after so many steps."""
    model = kgan.PixelGANAutoencoder(SHAPE, latent_size=CODES, generator=decoder(CODES, seed), seed=seed)
    model.compile(steps_per_execution=min(20, steps))
    epochs = max(1, round(steps / (len(images) // BATCH)))
    model.fit(images[: steps * BATCH], batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def without_code(images, steps, seed):
    """The same decoder without a code."""
    network = decoder(0, seed)
    network.network.compile(keras.optimizers.Adam(1e-3), loss=network.likelihood, steps_per_execution=min(20, steps))
    epochs = max(1, round(steps / (len(images) // BATCH)))
    whole = len(images) // BATCH * BATCH
    network.network.fit(images[:whole], images[:whole], batch_size=BATCH, epochs=epochs, verbose=0)
    return network


def entropy(shares):
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(-1)


def information(report, seed, steps):
    """Part B: what a code of twenty values tells the decoder, in nats of an image of 1,000 held out; clusters."""
    (train, _), (test, labels) = digits("train"), digits("test")
    network = without_code(train, steps, seed)
    alone = -np.mean([float(ops.mean(network.log_likelihood(test[i : i + 100]))) for i in range(0, len(test), 100)])
    model = trained(train, steps, seed)
    codes = model.encode(test)
    hard = np.eye(CODES, dtype="float32")[codes.argmax(1)]
    order = np.random.default_rng(seed).permutation(len(test))
    found = {
        name: -float(model.log_likelihood(test, c).mean())
        for name, c in (("soft", codes), ("hard", hard), ("shuffled", hard[order]))
    }
    for name, value in (("without a code", alone), *found.items()):
        report.figure(f"B nats of an image: {name}", value, seed=seed)
    gain, loss = alone - found["hard"], found["shuffled"] - found["hard"]
    report.over_seeds(
        "B nats that the code saves", gain, seed, "mean in (1.5, log 20 + 0.6]", lambda v: 1.5 < v <= np.log(20) + 0.6
    )
    report.over_seeds("B nats that the code of another image costs", loss, seed, "mean >= 8", lambda v: v >= 8)
    spread, doubt = float(entropy(codes.mean(0))), float(entropy(codes).mean())
    report.over_seeds("B entropy of the mean code (log 20 = 3.00)", spread, seed, "mean >= 2.1", lambda v: v >= 2.1)
    report.over_seeds("B mean entropy of codes", doubt, seed, "mean <= 0.4", lambda v: v <= 0.4)
    error = kgan.metrics.code_cluster_error(codes, labels)
    majority = 1.0 - kgan.metrics.cluster_purity(codes.argmax(1), labels)
    report.over_seeds("B error of the clusters (nearest image names them)", error, seed, "mean <= 0.48", lambda v: v <= 0.48)
    report.figure("B error of the clusters (the majority names them)", majority, seed=seed)
    report.figure("B the same of k-means with 20 centers", k_means_error(train, test, labels, seed), seed=seed)


def k_means_error(train, test, labels, seed):
    from sklearn.cluster import KMeans

    fitted = KMeans(CODES, n_init=3, random_state=seed).fit(train.reshape(len(train), -1))
    return 1.0 - kgan.metrics.cluster_purity(fitted.predict(test.reshape(len(test), -1)), labels)


PARTS = {"A": (exact, 1), "B": (information, 2480)}


if __name__ == "__main__":
    run("pixelgan", __doc__, PARTS)
