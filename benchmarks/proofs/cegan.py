"""Proof of CalibratedEBGAN: the two entropies against what is known, densities of mixtures as energies, anomalies of real pictures."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import objectives
from kgan.networks import mlp


def estimators(report, seed, steps):
    """Part A: the slope of log p of a normal by 20 nearest neighbors of 500 points; the code's minus log q beside the right one."""
    for stddev in (0.5, 1.0, 3.0):
        x = stddev * np.random.default_rng(seed).normal(size=(500, 2)).astype("float32")
        truth = -x / stddev**2
        for form in objectives.NEIGHBOR_FORMS:
            found = ops.convert_to_numpy(objectives.neighbor_directions(ops.convert_to_tensor(x), 20, form))
            reference = truth / np.linalg.norm(truth, axis=1, keepdims=True) if form == "unit" else truth
            cosine = float((found * reference).sum() / np.linalg.norm(found) / np.linalg.norm(reference))
            report.figure(f"A deviation {stddev:g}, form {form}: cosine with the slope", cosine, "> 0.6", cosine > 0.6, seed)
    # A posterior that knows a latent of four numbers, with deviations of e: log sigma counts in full.
    latents = ops.ones((1, 4))
    code = kgan.codes.Continuous(4, learn_variance=True)
    parameters = ops.concatenate([latents, latents], axis=-1)
    found = -float(code.log_likelihood(parameters, latents)[0]) - 2.0 * np.log(2.0 * np.pi)
    report.figure(
        "A -log q of mu = z, sigma = e, less the constant", found, "4 (the authors' code: 2)", abs(found - 4.0) < 1e-5, seed
    )


BIASED = kgan.datasets.Mixture([[-3.49, -3.49], [3.49, 3.49]], 5.0**0.5, weights=[0.1, 0.9])
FOUR = kgan.datasets.Mixture([[-4.0, -4.0], [-4.0, 4.0], [4.0, -4.0], [4.0, 4.0]], 1.5)
FORMS = {
    "neighbors, unit": {"entropy_weight": 0.3},
    "neighbors, variance": {"entropy_weight": 1.0, "neighbor_form": "variance"},
    "none": {"entropy": "none"},
    "variational": {"entropy": "variational", "entropy_weight": 1.0},
    "variational, noise 1": {"entropy": "variational", "entropy_weight": 1.0, "posterior_noise": 1.0},
}


def played(mixture, seed, steps, **kwargs):
    """A game on points as in the authors' code, narrower inputs of c and rates that fall linearly to a fiftieth."""
    keras.utils.set_random_seed(seed)
    model = kgan.CalibratedEBGAN(
        generator=mlp.generator((2,), 4, (128, 128), batch_norm=True),
        discriminator=mlp.discriminator((2,), (128, 128), scale=0.25),
        seed=seed,
        **kwargs,
    )
    optimizers = {
        move: keras.optimizers.Adam(keras.optimizers.schedules.PolynomialDecay(1e-3, max(2, steps), 2e-5), 0.0)
        for move in ("discriminator", "generator")
    }
    model.compile(optimizers=optimizers, steps_per_execution=min(100, steps))
    model.fit(mixture.sample(50_000 if steps > 30 else 2000, seed), batch_size=250, steps_per_epoch=steps, verbose=0)
    return model


def densities(report, seed, steps, name="two Gaussians of weights 0.1 and 0.9", mixture=BIASED, forms=FORMS, part="B"):
    """Part B: rank correlation of energies with -log p on 4,000 held-out points, the rare mode's cost and its share of samples."""
    points = mixture.sample(4000, seed + 100)
    surprise = -mixture.log_density(points)
    found = {}
    for form, kwargs in forms.items():
        model = played(mixture, seed, steps, **kwargs)
        found[form] = kgan.metrics.rank_correlation(model.energy(points), surprise)
        judged = {"bar": ">= 0.9", "ok": found[form] >= 0.9} if form.startswith("neighbors") else {}
        report.figure(f"{part} {name}, {form}: rank correlation of the energy with -log p", found[form], seed=seed, **judged)
        if mixture is BIASED:
            rare, common = model.energy(mixture.centers)
            samples = model.generate(4000, seed=seed)
            share = float((samples.sum(1) < 0).mean())
            ok = {"bar": "> 0", "ok": rare > common} if form.startswith("neighbors") else {}
            report.figure(
                f"{part} {form}: cost of the rare mode above that of the common one", float(rare - common), seed=seed, **ok
            )
            ok = {"bar": "0.05 to 0.2", "ok": 0.05 <= share <= 0.2} if form.startswith("neighbors") else {}
            report.figure(f"{part} {form}: share of samples at the rare mode", share, seed=seed, **ok)
    gain = min(found[form] for form in found if form.startswith("neighbors")) - found["none"]
    report.figure(f"{part} {name}: rank correlation, neighbors - none", gain, "> 0.5", gain > 0.5, seed)


def four(report, seed, steps):
    """Part C: the same of four equal Gaussians."""
    forms = {form: FORMS[form] for form in ("neighbors, variance", "none", "variational", "variational, noise 1")}
    densities(report, seed, steps, "four Gaussians", FOUR, forms, "C")


TROUSERS = 1


def anomalies(report, seed, steps):
    """Part D: trousers of Fashion-MNIST; the energy of held-out ones, and of 3,000 pictures of other clothes beside it."""
    (train, labels), (test, truth) = (kgan.datasets.arrays("fashion_mnist", split) for split in ("train", "test"))
    train, test = (images.reshape(-1, 784) for images in (train, test))
    own, held, others = train[labels == TROUSERS], test[truth == TROUSERS], test[truth != TROUSERS][:3000]
    # A Gaussian of 20 principal components, the rest isotropic.
    center = own.mean(0)
    values, vectors = np.linalg.eigh(np.cov((own - center).T))
    values, vectors = values[::-1], vectors[:, ::-1]
    rest = values[20:].mean()
    along = (held - center) @ vectors[:, :20]
    off = ((held - center) ** 2).sum(1) - (along**2).sum(1)
    surprise = 0.5 * ((along**2 / values[:20]).sum(1) + off / rest)
    far = np.linalg.norm(own - center, axis=1).mean()
    found = {}
    for form in ("neighbors", "none"):
        keras.utils.set_random_seed(seed)
        model = kgan.CalibratedEBGAN(
            generator=mlp.generator((784,), 10, (256, 256), batch_norm=True, output_activation="tanh"),
            discriminator=mlp.discriminator((784,), (256, 128), 0.2),
            smoothness=0.01,
            gap_bounds=(-1.2, 0.1),
            entropy=form,
            seed=seed,
        )
        falling = keras.optimizers.schedules.PolynomialDecay
        optimizers = {
            move: keras.optimizers.Adam(falling(rate, max(2, steps), 0.02 * rate), 0.0)
            for move, rate in (("discriminator", 2e-4), ("generator", 1e-3))
        }
        model.compile(optimizers=optimizers, steps_per_execution=min(100, steps))
        model.fit(own, batch_size=100, steps_per_epoch=steps, verbose=0)
        energies = model.energy(held)
        found[form] = kgan.metrics.rank_correlation(energies, surprise), kgan.metrics.ranking_auc(model.energy(others), energies)
        report.figure(
            f"D {form}: rank correlation with -log p, AUROC of other clothes", [round(v, 3) for v in found[form]], seed=seed
        )
        if form != "none":
            spread = float(np.linalg.norm(model.generate(1000, seed=seed) - center, axis=1).mean() / far)
            report.figure("D distance of samples from the mean / data's", spread, "1 +- 0.2", abs(spread - 1) < 0.2, seed)
    (order, area), (flat, by_chance) = found["neighbors"], found["none"]
    report.figure("D rank correlation with -log p", order, ">= 0.7", order >= 0.7, seed)
    report.figure("D rank correlation, neighbors - none", order - flat, ">= 0.4", order - flat >= 0.4, seed)
    report.figure("D AUROC of other clothes", area, ">= 0.95", area >= 0.95, seed)
    report.figure("D AUROC, neighbors - none", area - by_chance, "> 0.05", area - by_chance > 0.05, seed)


PARTS = {"A": (estimators, 1), "B": (densities, 3000), "C": (four, 8000), "D": (anomalies, 3000)}


if __name__ == "__main__":
    run("cegan", __doc__, PARTS)
