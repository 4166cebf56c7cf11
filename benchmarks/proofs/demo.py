"""Proof of the demonstration: what `make demo` trains, against its untrained self and a network without normalisation."""

import keras

import kgan
from benchmarks.proofs.harness import Report, arguments
from kgan.networks import sn_cnn

SHAPE, WIDTH = (8, 8, 1), 0.25
PASSES = 25


def figures(model, seed):
    real, _ = kgan.datasets.arrays("digits", "test")
    report = kgan.metrics.digit_report(real, model.generate(1000, seed=seed))
    return {name.split("[")[0]: value for name, value in report.items()}


def trained(setting, epochs, seed, normalize):
    keras.utils.set_random_seed(seed)
    plain = {} if normalize else {"discriminator": sn_cnn.discriminator(SHAPE, WIDTH), "joint_batch": True}
    model = kgan.SNGAN(SHAPE, width=WIDTH, setting=setting, seed=seed, **plain)
    model.compile(averages={"generator": 0.99})
    images, _ = kgan.datasets.arrays("digits", "train")
    model.fit(images.repeat(PASSES, axis=0), batch_size=64, epochs=epochs, verbose=0)
    return model


def main():
    args = arguments(__doc__)
    report = Report("demo", args.smoke)
    for seed in args.seeds:
        keras.utils.set_random_seed(seed)
        untrained = figures(kgan.SNGAN(SHAPE, width=WIDTH, seed=seed), seed)["frechet_distance"]
        epochs = 1 if args.smoke else 50
        demo = figures(trained("D", epochs, seed, normalize=True), seed)
        plain = figures(trained("F", epochs // 2 or 1, seed, normalize=False), seed)["frechet_distance"]
        distance = demo["frechet_distance"]
        report.figure("classes present among 1000 samples", demo["classes_present"], "10", demo["classes_present"] == 10, seed)
        report.figure("Frechet digit distance", distance, seed=seed)
        report.figure("digit score", demo["class_score"], seed=seed)
        report.figure("untrained / trained", untrained / distance, "> 5", untrained / distance > 5, seed)
        report.figure("without normalisation, setting F / trained", plain / distance, "> 2", plain / distance > 2, seed)
    report.close()


if __name__ == "__main__":
    main()
