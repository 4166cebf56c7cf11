"""Proof of structured GANs: five labels a class of handwritten digits; what is asked for, and what the encoder finds again."""

import numpy as np

import kgan
from benchmarks.proofs.harness import run
from benchmarks.proofs.triple_gan import alone, digits, error, obedience, trained


def recovered(model, seed):
    """Share of the variance of z that the encoder finds again in G(z, y)."""
    latents, labels = model.generator_inputs(1000, seed=seed)
    made = model.predict([latents, labels], batch_size=250, verbose=0)
    z = np.asarray(latents)
    return float(1.0 - ((model.encode(made) - z) ** 2).sum() / ((z - z.mean(0)) ** 2).sum())


def on_digits(report, seed, steps):
    """Part A: as part B of Triple-GAN's proof, beside which it stands."""
    beside = alone(seed, steps)
    other, model = trained(kgan.TripleGAN, seed, steps), trained(kgan.StructuredGAN, seed, steps)
    for name, value in (("labels alone", beside), ("Triple-GAN", error(other)), ("structured GAN", error(model))):
        report.figure(f"A error, {name}", value, seed=seed)
    asked, before = obedience(model, seed), obedience(other, seed)
    report.figure("A samples of the class asked for, Triple-GAN", before, seed=seed)
    report.over_seeds(
        "A points of error saved beside labels alone", beside - error(model), seed, "mean >= 0.03", lambda v: v >= 0.03
    )
    report.over_seeds("A samples of the class asked for", asked, seed, "mean >= 0.8", lambda v: v >= 0.8)
    report.over_seeds("A the same beside Triple-GAN's", asked - before, seed, "mean >= 0.08", lambda v: v >= 0.08)
    report.over_seeds("A share of z's variance found again", recovered(model, seed), seed, "mean >= 0.35", lambda v: v >= 0.35)
    drift = float(np.abs(model.encode(digits("test")[0]).mean(0)).mean())
    report.figure("A mean distance of the codes of real digits from 0, by coordinate", drift, "<= 0.3", drift <= 0.3, seed)


PARTS = {"A": (on_digits, 2970)}


if __name__ == "__main__":
    run("structured_gan", __doc__, PARTS)
