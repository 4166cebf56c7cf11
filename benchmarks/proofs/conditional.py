"""Proof of class-conditional generation: every formula by hand and by finite differences; projection, AC-GAN and an unconditional twin."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import float64, run
from kgan.conditioning import AuxiliaryClassifier, Joined, Projection
from kgan.networks import mlp

# What learns real digits in some minutes of one core.
WIDTH, SETTING = 0.25, (5e-4, 0.0, 0.9, 1)
JUDGES = {
    "projection": Projection(),
    "AC-GAN": AuxiliaryClassifier(),
    "AC-GAN, weights 1, 0, 0.1": AuxiliaryClassifier(1.0, 0.0, 0.1),
}
SAMPLES = 1000
LABELS = [0, 1, 1, 0]


def formulas(report, seed, steps):
    """Part A: the projection identity, and the gradient of every new term."""
    with float64():
        rng = np.random.default_rng(seed)
        x, weight, vectors = rng.normal(size=(4, 3)), rng.normal(size=(3, 1)), rng.normal(size=(2, 3))
        network = Projection().judge(mlp.discriminator((3,), ()), 2)
        network.get_layer("logit").set_weights([weight, np.zeros(1)])
        network.get_layer("label_embedding").set_weights([vectors])
        found = ops.convert_to_numpy(network([x, np.array(LABELS)]))
        error = float(np.abs(found - x @ weight - (x * vectors[LABELS]).sum(1, keepdims=True)).max())
        report.figure("A projection against psi(phi) + <V y, phi>, largest difference", error, "< 1e-12", error < 1e-12, seed)
        norm, labels = kgan.layers.ConditionalBatchNormalization(2), ops.convert_to_tensor(LABELS)
        cases = {
            "conditional batch norm": (norm, lambda z: ops.sum(ops.sin(norm([z, labels], training=True)) * x)),
            **{name: judged(part, labels, x) for name, part in {**JUDGES, "joined": Joined(size=2)}.items()},
        }
        for name, (layer, loss) in cases.items():
            error = difference(layer, loss, rng.normal(size=(4, 3)), rng)
            report.figure(f"A gradient of {name} against central differences, relative", error, "< 1e-6", error < 1e-6, seed)


def judged(part, labels, x):
    """A small discriminator made conditional, and a loss of it."""
    network = part.judge(mlp.discriminator((3,), (5,), "tanh", normalizer=kgan.layers.SpectralNormalization), 2)

    def loss(fake):
        if not part.classifies:
            return ops.sum(ops.sin(network([fake, labels])) + ops.cos(network([ops.convert_to_tensor(x), labels])))
        real, made = network(ops.convert_to_tensor(x)), network(fake)
        terms = {**part.discriminator_terms(real[1], made[1], labels), **part.generator_terms(made[1], labels)}
        return sum(t for t in terms.values() if not isinstance(t, kgan.Observation)) + ops.sum(ops.sin(made[0]))

    return network, loss


def difference(layer, loss, z, rng, step=1e-6):
    """The largest error of a derivative along a random direction of each weight and of the input, relative to the largest derivative."""
    loss(ops.convert_to_tensor(z))
    values = [*(ops.convert_to_numpy(v) for v in layer.trainable_variables), z]

    def at(tensors):
        with kgan.backend.Overlay(zip(layer.trainable_variables, tensors[:-1], strict=True)):
            return loss(tensors[-1]), None

    _, gradients = kgan.backend.value_and_gradients(at, [ops.convert_to_tensor(v) for v in values])
    found, expected = [], []
    for index, gradient in enumerate(gradients):
        way = rng.normal(size=values[index].shape)
        found.append(float((ops.convert_to_numpy(gradient) * way).sum()))
        ends = [[*values[:index], values[index] + sign * step * way, *values[index + 1 :]] for sign in (1, -1)]
        up, down = (float(at([ops.convert_to_tensor(v) for v in end])[0]) for end in ends)
        expected.append((up - down) / (2 * step))
    return float(np.abs(np.subtract(found, expected)).max() / np.abs(expected).max())


def trained(data, size, steps, seed, judge=None):
    keras.utils.set_random_seed(seed)
    images, labels = kgan.datasets.arrays(data, "train", size)
    classes = {} if judge is None else {"classes": kgan.datasets.class_names(data), "conditioning": judge}
    model = kgan.SNGAN((size, size, 1), width=WIDTH, setting=SETTING, seed=seed, **classes)
    model.compile(averages={"generator": 0.99}, steps_per_execution=10)
    model.fit(images, None if judge is None else labels, batch_size=64, epochs=1, steps_per_epoch=steps, verbose=0)
    return model


def compare(report, seed, steps, part, data, size, judge, least):
    """SNGAN at a quarter of its width, `steps` updates of each player, each way to judge and none; against held-out pictures."""
    real, labels = (rows[:SAMPLES] for rows in kgan.datasets.arrays(data, "test", size))
    share = kgan.metrics.class_agreement(judge.probabilities(real), labels)
    report.figure(f"{part} the judge's agreement with the labels of held-out pictures", share, seed=seed)
    train = kgan.datasets.arrays(data, "train", size)
    classes = kgan.metrics.within_classes(judge.features(real), labels, judge.features(train[0][:SAMPLES]), train[1][:SAMPLES])
    for figure in ("frechet_distance", "precision", "recall"):
        value = float(np.mean([one[figure] for one in classes.values()]))
        report.figure(f"{part} pictures trained on: intra class {figure.replace('_', ' ')}", value, seed=seed)
    asked, found = np.arange(SAMPLES) % 10, {}
    for name in (*JUDGES, "no classes"):
        model = trained(data, size, steps, seed, JUDGES.get(name))
        condition = list(asked) if name in JUDGES else None
        made = model.generate(SAMPLES, condition=condition, seed=seed)
        by_class = (labels, asked) if name in JUDGES else ()
        named = kgan.metrics.sample_report(real, made, judge, *by_class)
        found[name] = figures = {figure.split("[")[0]: value for figure, value in named.items()}
        if name in JUDGES:
            share = figures["class_agreement"]
            bar = (f">= {least}", share >= least) if name == "projection" else (None, None)
            report.figure(f"{part} {name}: agreement with the class asked for", share, *bar, seed)
            for figure in (
                "smallest_class_agreement",
                *(f"intra_class_{f}" for f in ("frechet_distance", "precision", "recall")),
            ):
                report.figure(f"{part} {name}: {figure.replace('_', ' ')}", figures[figure], seed=seed)
        for figure in ("frechet_distance", "precision", "recall", "smallest_class_share"):
            report.figure(f"{part} {name}: {figure.replace('_', ' ')}", figures[figure], seed=seed)
    distance = [found[name]["intra_class_frechet_distance"] for name in ("AC-GAN", "projection")]
    report.figure(
        f"{part} intra-class distance, AC-GAN / projection", distance[0] / distance[1], "> 1", distance[0] > distance[1], seed
    )
    distance = [found[name]["frechet_distance"] for name in ("projection", "no classes")]
    report.figure(
        f"{part} distance, projection / no classes", distance[0] / distance[1], "<= 1", distance[0] <= distance[1], seed
    )


def of(part, data, size, judge, least):
    return lambda report, seed, steps: compare(report, seed, steps, part, data, size, judge(), least)


MNIST, FASHION = kgan.metrics.MNISTClassifier, kgan.metrics.FashionClassifier
PARTS = {
    "A": (formulas, 1),
    "B": (of("B MNIST, 16 pixels,", "mnist", 16, MNIST, 0.95), 3000),
    "C": (of("C Fashion-MNIST, 16 pixels,", "fashion_mnist", 16, FASHION, 0.85), 3000),
    "D": (of("D MNIST, 32 pixels,", "mnist", 32, MNIST, 0.95), 2300),
    "E": (of("E Fashion-MNIST, 32 pixels,", "fashion_mnist", 32, FASHION, 0.85), 2300),
}


if __name__ == "__main__":
    run("conditional", __doc__, PARTS, asked_for=("C", "D", "E"))
