"""Proof of the demonstration at 8x8 digits: SNGAN against its untrained self, and against a network without normalization. What `make demo`
trains, on MNIST's digits, is measured by `benchmarks.proofs.real_pictures --parts mnist`, on its way.
"""

import keras

import kgan
from benchmarks.proofs.harness import digit_figures, run
from kgan.networks import sn_cnn

SHAPE, WIDTH = (8, 8, 1), 0.25
PASSES = 25


def figures(model, seed):
    return digit_figures(model.generate(1000, seed=seed))


def trained(setting, epochs, seed, normalize):
    keras.utils.set_random_seed(seed)
    plain = {} if normalize else {"discriminator": sn_cnn.discriminator(SHAPE, WIDTH), "joint_batch": True}
    model = kgan.SNGAN(SHAPE, width=WIDTH, setting=setting, seed=seed, **plain)
    model.compile(averages={"generator": 0.99})
    images, _ = kgan.datasets.arrays("digits", "train")
    model.fit(images.repeat(PASSES, axis=0), batch_size=64, epochs=epochs, verbose=0)
    return model


def demo(report, seed, steps):
    """`steps` epochs in setting D; half as many in setting F without normalization."""
    untrained = figures(kgan.SNGAN(SHAPE, width=WIDTH, seed=seed), seed)["frechet_distance"]
    ours = figures(trained("D", steps, seed, normalize=True), seed)
    plain = figures(trained("F", steps // 2, seed, normalize=False), seed)["frechet_distance"]
    distance = ours["frechet_distance"]
    report.figure("classes present among 1000 samples", ours["classes_present"], "10", ours["classes_present"] == 10, seed)
    report.figure("Frechet digit distance", distance, seed=seed)
    report.figure("digit score", ours["class_score"], seed=seed)
    report.figure("untrained / trained", untrained / distance, "> 5", untrained / distance > 5, seed)
    report.figure("without normalization, setting F / trained", plain / distance, "> 2", plain / distance > 2, seed)


PARTS = {"A": (demo, 50)}


if __name__ == "__main__":
    run("demo", __doc__, PARTS)
