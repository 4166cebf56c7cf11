"""Proof of PixelGAN autoencoders: no output sees a later pixel, cached draws are the slow ones, what a code tells of digits."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import PixelCNN, PixelCNNPlusPlus

CODES, BATCH = 20, 64


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


def small_digits(split):
    """scikit-learn's digits of 8x8 pixels, black or white, and their labels."""
    images, labels = kgan.datasets.arrays("digits", split)
    return np.where(images > 0.0, 1.0, -1.0).astype("float32"), labels


def digits(split):
    """Handwritten digits, averaged to 14 pixels and binarized, with their labels: 4,000 to train, 1,000 to test."""
    images, labels = kgan.datasets.arrays("mnist", split)
    return np.where(images.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4)) > 0.0, 1.0, -1.0).astype("float32"), labels


def decoder(shape, codes, seed):
    keras.utils.set_random_seed(seed)
    return PixelCNN(shape, codes or None, filters=16, depth=3)


def played(model, steps, *arrays):
    """So many rounds of a model that is compiled."""
    whole = len(arrays[0]) // BATCH * BATCH
    epochs = max(1, round(steps / (whole // BATCH)))
    model.fit(*(x[: min(whole, steps * BATCH)] for x in arrays), batch_size=BATCH, epochs=epochs, verbose=0)


def trained(images, steps, seed):
    """A PixelGAN autoencoder of twenty codes after so many steps."""
    shape = images.shape[1:]
    model = kgan.PixelGANAutoencoder(shape, latent_size=CODES, generator=decoder(shape, CODES, seed), seed=seed)
    model.compile(steps_per_execution=min(14, steps))
    played(model, steps, images)
    return model


def without_code(images, steps, seed):
    """The same decoder without a code."""
    network = decoder(images.shape[1:], 0, seed)
    network.network.compile(keras.optimizers.Adam(1e-3), loss=network.likelihood, steps_per_execution=min(14, steps))
    played(network.network, steps, images, images)
    return network


def entropy(shares):
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(-1)


def on_small_digits(report, seed, steps):
    """Part B: what a code of twenty values tells the decoder of 8x8 digits, in nats of an image held out; clusters."""
    information(
        report, "B", small_digits, seed, steps, gain=1.0, shuffled=5.0, spread=0.75 * np.log(CODES), doubt=0.6, wrong=0.45
    )


def on_digits(report, seed, steps):
    """Part C: the same of 14x14 digits."""
    information(report, "C", digits, seed, steps, gain=1.5, shuffled=8.0, spread=2.1, doubt=0.4, wrong=0.48)


def information(report, part, data, seed, steps, gain, shuffled, spread, doubt, wrong):
    """Figures of a part beside its bars."""
    (train, _), (test, labels) = data("train"), data("test")
    network = without_code(train, steps, seed)
    alone = -np.mean(np.concatenate([ops.convert_to_numpy(network.log_likelihood(x)) for x in np.array_split(test, 10)]))
    model = trained(train, steps, seed)
    codes = model.encode(test)
    hard = np.eye(CODES, dtype="float32")[codes.argmax(1)]
    order = np.random.default_rng(seed).permutation(len(test))
    given = {"soft": codes, "hard": hard, "shuffled": hard[order]}
    found = {name: -float(model.log_likelihood(test, c).mean()) for name, c in given.items()}
    for name, value in (("without a code", alone), *found.items()):
        report.figure(f"{part} nats of an image: {name}", float(value), seed=seed)

    def bar(name, value, least=None, most=None):
        words = (
            f"mean >= {least:.3g}"
            if most is None
            else f"mean <= {most:.3g}"
            if least is None
            else f"mean in ({least:.3g}, {most:.3g}]"
        )
        lowest, highest = -np.inf if least is None else least, np.inf if most is None else most
        report.over_seeds(f"{part} {name}", float(value), seed, words, lambda v: lowest <= v <= highest)

    bar("nats that the code saves", alone - found["hard"], gain, np.log(CODES) + 0.6)
    bar("nats that the code of another image costs", found["shuffled"] - found["hard"], shuffled)
    bar("entropy of the mean code (log 20 = 3.00)", entropy(codes.mean(0)), spread)
    bar("mean entropy of codes", entropy(codes).mean(), most=doubt)
    bar("error of the clusters (the surest image names them)", kgan.metrics.code_cluster_error(codes, labels), most=wrong)
    majority = 1.0 - kgan.metrics.cluster_purity(codes.argmax(1), labels)
    report.figure(f"{part} error of the clusters (the majority names them)", majority, seed=seed)
    report.figure(f"{part} the same of k-means with 20 centers", k_means_error(train, test, labels, seed), seed=seed)


def k_means_error(train, test, labels, seed):
    from sklearn.cluster import KMeans

    fitted = KMeans(CODES, n_init=3, random_state=seed).fit(train.reshape(len(train), -1))
    return 1.0 - kgan.metrics.cluster_purity(fitted.predict(test.reshape(len(test), -1)), labels)


PARTS = {"A": (exact, 1), "B": (on_small_digits, 1400), "C": (on_digits, 3720)}


if __name__ == "__main__":
    run("pixelgan", __doc__, PARTS)
