"""Proof of RenderGAN: the changes that do nothing; tags in photographs read by a network that was trained on generated pictures alone."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.layers import ClipWithPenalty, LearnedBackground, LearnedBlur, LearnedDetail, Lighting
from kgan.networks import rendered

SIZE, BITS, BATCH, COUNT = 32, 12, 32, 4000


def exact(report, seed, steps):
    """Part A: amounts at which the changes are the identity, the high-pass of a constant, the penalty of a cut."""
    picture, *_ = kgan.datasets.tags(8, seed=seed)
    one, none = np.ones_like(picture), np.zeros_like(picture)
    made = LearnedBlur()([picture, np.zeros((8, 1), "float32")])
    made = Lighting()([made, one, one, none])
    made = LearnedBackground()([made, one, none])
    made = LearnedDetail()([made, 0.5 * one])
    error = float(np.abs(ops.convert_to_numpy(made) - picture).max())
    report.figure("A largest change by the chain at its identity", error, "< 1e-5", error < 1e-5, seed)
    cut = ClipWithPenalty(-1.0, 1.0)
    cut(np.asarray([[0.0, 1.0, 1.5, -3.0]], "float32"))
    penalty = float(cut.losses[0])
    report.figure("A penalty of 15 times the mean excess of 0, 0, 0.5 and 2", penalty, "9.375", abs(penalty - 9.375) < 1e-5, seed)


def decoded(images, bits, seed, steps=350):
    """A network that reads bits, trained on pictures with labels: a function of pictures and their bits to wrong bits of 12."""
    keras.utils.set_random_seed(seed)
    network = rendered.decoder((SIZE, SIZE, 1), BITS, filters=16)
    network.compile(
        keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), steps_per_execution=min(10, steps)
    )
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(images), steps * 64)
    network.fit(images[rows], (bits[rows] > 0).astype("float32"), batch_size=64, shuffle=False, verbose=0)
    return lambda pictures, truth: kgan.metrics.mean_hamming_distance(truth, network.predict(pictures, batch_size=500, verbose=0))


def by_hand(pictures, seed):
    """What one would do without a GAN: random blur, gain, offset and white noise."""
    rng = np.random.default_rng(seed)
    made = np.empty_like(pictures)
    for index, sigma in enumerate(levels := np.linspace(0.3, 1.5, 8)):
        blur = kgan.layers.GaussianBlur(float(sigma))
        made[index :: len(levels)] = ops.convert_to_numpy(blur(pictures[index :: len(levels)]))
    gain, offset = rng.uniform(0.3, 1.0, (len(made), 1, 1, 1)), rng.uniform(-0.4, 0.4, (len(made), 1, 1, 1))
    noisy = gain * made + offset + rng.uniform(0.0, 0.15, (len(made), 1, 1, 1)) * rng.normal(size=made.shape)
    return np.clip(noisy, -1.0, 1.0).astype("float32")


def falling(steps):
    """The default optimizer with the authors' falling rate: a quarter at epochs 200, 250 and 300 of 351."""
    ends = [steps * epoch // 351 for epoch in (200, 250, 300)]
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(ends, [4e-4 * 0.25**times for times in range(4)])
    return keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8)


def photographed(report, seed, steps):
    """Part B: unlabeled tags in four photographs, and the bits of tags in four others: what is read wrong of 12, 6 by chance."""
    raw, masks, labels = kgan.datasets.tags(COUNT, seed=seed)
    real = kgan.datasets.in_photos(raw, masks, seed=seed)
    held, held_masks, held_labels = kgan.datasets.tags(1000, seed=seed + 100)
    test = kgan.datasets.in_photos(held, held_masks, kgan.datasets.TEST_PHOTOS, seed=seed + 100), held_labels[:, :BITS]
    # The model's own pictures, for a network that has seen nothing else, are of other tags than the unlabeled ones.
    plain, _, plain_labels = kgan.datasets.tags(COUNT, seed=seed + 200)

    keras.utils.set_random_seed(seed)
    model = kgan.RenderGAN(kgan.layers.TagRenderer(), filters=8, noise_size=36, seed=seed)
    model.compile({move: falling(steps) for move in ("discriminator", "generator")}, steps_per_execution=min(10, steps))
    model.fit(real, batch_size=BATCH, steps_per_epoch=steps, verbose=0)
    images, bits, _ = model.labeled(COUNT, seed=seed)

    fits = 350 if steps > 50 else 5
    on_real = decoded(real, labels[:, :BITS], seed, fits)
    found = {
        "raw pictures of the model": decoded(plain, plain_labels[:, :BITS], seed, fits)(*test),
        "pictures augmented by hand": decoded(by_hand(plain, seed), plain_labels[:, :BITS], seed, fits)(*test),
        "RenderGAN's pictures": decoded(images, bits, seed, fits)(*test),
        "labeled real pictures": on_real(*test),
    }
    for name, wrong in found.items():
        report.figure(f"B wrong bits of 12, trained on {name}", wrong, seed=seed)
    raw_wrong, own, best = found["raw pictures of the model"], found["RenderGAN's pictures"], found["labeled real pictures"]
    report.figure("B RenderGAN / raw", own / raw_wrong, "<= 0.6", own <= 0.6 * raw_wrong, seed)
    report.figure("B RenderGAN - labeled real", own - best, "<= 1.0", own - best <= 1.0, seed)
    kept = on_real(images, bits)
    report.figure("B wrong bits of generated pictures, read by the one trained on real ones", kept, "<= 2.5", kept <= 2.5, seed)


PARTS = {"A": (exact, 1), "B": (photographed, 3000)}


if __name__ == "__main__":
    run("rendergan", __doc__, PARTS)
