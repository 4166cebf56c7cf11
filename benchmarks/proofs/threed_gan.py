"""Proof of 3D-GAN: unlabeled shapes teach the discriminator to tell their classes, the gate works, shapes come out; 3D-VAE-GAN."""

import keras

import kgan
from benchmarks.proofs.harness import Trace, run
from kgan.layers import estimate_statistics
from kgan.networks import volumetric

SHAPE, LATENT, BATCH, CLASSES = (16, 16, 16, 1), 50, 50, 7
RATES = {"discriminator": 2.5e-4, "generator": 0.0025}


def data(seed):
    """2500 shapes to train on without labels, 1000 to test."""
    voxels, labels = kgan.shapes.solids(3500, size=16, seed=100 + seed)
    return voxels[:2500], labels[:2500], voxels[2500:], labels[2500:]


def build(seed, family=kgan.ThreeDGAN, rates=RATES, **kwargs):
    keras.utils.set_random_seed(seed)
    model = family(SHAPE, filters=16, base=2, latent_size=LATENT, seed=seed, **kwargs)
    model.compile({move: keras.optimizers.Adam(rate, beta_1=0.5) for move, rate in rates.items()})
    return model


def accuracies(model, sets, seed):
    """Of the linear machine on features with n labels a class, n = 5 and 20."""
    train, labels, test, test_labels = sets
    if model is not None:
        batches = [train[start : start + 100].astype("float32") for start in range(0, 2500, 100)]
        estimate_statistics(model.discriminator, batches)
        train, test = model.features(train), model.features(test)
    return [kgan.shapes.linear_accuracy(train, labels, test, test_labels, n, 5, 0.01, seed) for n in (5, 20)]


class Samples(keras.callbacks.Callback):
    """Figures of samples after every tenth of the training."""

    def __init__(self, every, seed):
        super().__init__()
        self.every, self.seed, self.found = every, seed, []

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            self.found.append(kgan.shapes.shape_report(self.model.generate(100, seed=self.seed)))


def unsupervised(report, seed, steps):
    """Part A: features against raw voxels and an untrained discriminator; the gate; the shapes."""
    sets = data(seed)
    raw, untrained = accuracies(None, sets, seed), accuracies(build(seed), sets, seed)
    model = build(seed)
    moved = Trace(lambda: int(model.optimizer["discriminator"].iterations))
    epochs = max(1, steps // 50)
    watched = Samples(max(1, epochs // 10), seed)
    model.fit(
        sets[0], batch_size=BATCH, epochs=epochs, steps_per_epoch=min(50, steps), callbacks=[moved, watched], verbose=0
    )  # fmt: skip
    start = min(100, steps // 2)
    share = (moved.values[-1] - moved.values[start - 1]) / (len(moved.values) - start)
    samples = model.generate(500, seed=seed)
    found = accuracies(model, sets, seed)
    for k, n in enumerate((5, 20)):
        report.figure(f"A raw voxels, {n} labels a class", raw[k], seed=seed)
        report.figure(f"A untrained D, {n} labels a class", untrained[k], seed=seed)
        report.figure(f"A trained D, {n} labels a class", found[k], seed=seed)
        gain = found[k] - untrained[k]
        report.figure(f"A trained - untrained, {n} labels a class", gain, "> 0.02", gain > 0.02, seed)
        gain = found[k] - raw[k]
        report.figure(f"A trained - raw, {n} labels a class", gain, "> 0.08", gain > 0.08, seed)
    report.figure(f"A share of rounds in which D moves, after {start}", share, "0.3 to 0.95", 0.3 < share < 0.95, seed)
    figures = kgan.shapes.shape_report(samples)
    occupancy, binariness = figures["occupancy"], figures["binariness"]
    report.figure("A occupancy (data 0.09)", occupancy, "0.02 to 0.20", 0.02 <= occupancy <= 0.2, seed)
    report.figure("A binariness E 4p(1 - p)", binariness, "< 0.15", binariness < 0.15, seed)
    report.figure("A share of single connected components", figures["single_component"], seed=seed)
    for name in ("occupancy", "diversity"):
        report.figure(f"A {name} along training", [round(f[name], 3) for f in watched.found], seed=seed)
    report.figure(
        "A diversity of samples, of the data",
        [figures["diversity"], kgan.shapes.shape_report(sets[0][:500])["diversity"]],
        seed=seed,
    )


def reconstruction(report, seed, steps):
    """Part B: shapes from 32x32 silhouettes, against the mean training shape."""
    train, _, test, _ = data(seed)
    test = test[:200]
    silhouettes = [kgan.shapes.views(x, 32, 0.0, 0.0, style="silhouette") for x in (train, test)]
    # At 16^3 a norm of about 15 times 0.3 outweighs the adversarial term, as it must to be learned in so few rounds; the divergence must
    # not outweigh what a code gains in it.
    model = build(
        seed, kgan.ThreeDVAEGAN, {**RATES, "encoder": 1e-3}, reconstruction_weight=0.3, kl_weight=0.01,
        encoder=volumetric.image_encoder((32, 32, 1), LATENT, 32, (5, 5, 5), (2, 2, 2)), image_shape=None,
    )  # fmt: skip
    pairs = {"shapes": train, "views": silhouettes[0]}
    epochs = max(1, steps // 50)
    history = model.fit(pairs, batch_size=BATCH, epochs=epochs, steps_per_epoch=min(50, steps), verbose=0).history
    made = model.reconstruct(silhouettes[1])
    found = float(kgan.shapes.voxel_iou(made, test, 0.4).mean())
    baseline, _ = kgan.shapes.mean_shape_iou(train, test)
    report.figure("B IoU at 0.4 of reconstructions", found, seed=seed)
    report.figure("B IoU of the mean training shape, at its best threshold", baseline, seed=seed)
    report.figure("B gain over the mean shape", found - baseline, "> 0.1", found - baseline > 0.1, seed)
    report.figure("B average precision of cells", float(kgan.shapes.average_precision(made, test).mean()), seed=seed)
    report.figure("B L_KL in nats at the end", history["encoder/divergence"][-1] / model.kl_weight, seed=seed)
    samples = kgan.shapes.shape_report(model.generate(200, seed=seed))
    report.figure("B samples from the prior: share of single components", samples["single_component"], seed=seed)
    report.figure("B samples from the prior: occupancy, binariness, diversity",
                  [samples[k] for k in ("occupancy", "binariness", "diversity")], seed=seed)  # fmt: skip


PARTS = {"A": (unsupervised, 1800), "B": (reconstruction, 400)}


if __name__ == "__main__":
    run("threed_gan", __doc__, PARTS)
