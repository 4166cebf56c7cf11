"""Proof of SteganographyGAN: bits come back from 8-bit images; what Eve sees in the game and after it; the sign of her term."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import backend
from kgan.networks import steganography
from kgan.types import Array

BATCH, BITS, FRESH_STEPS = 64, 25, 640
SIZES = {"kernel": 4, "stages": 3}
RESIDUAL_BATCH, ANALYZER_STEPS = 32, 800
DETECTORS, JUDGED = ("brick", "gravel", "immunohistochemistry", "stereo_motorcycle"), ("rocket", "grass")


class Caught(kgan.SteganographyGAN):
    """The wrong sign: Alice minimizes Eve's own loss on stego images, so that she is rewarded for being caught."""

    fooled = staticmethod(lambda logits: ops.mean(ops.softplus(logits)))


def floats(pixels):
    return pixels.astype("float32") / 127.5 - 1.0


def random_bits(model, count, seed):
    return np.random.default_rng(seed).integers(0, 2, (count, model.message_length))


def eve():
    return steganography.reader((16, 16, 1), filters=16, **SIZES)


def play(family, seed, steps, **kwargs):
    """The game on 16x16 gray patches, 25 bits each (0.098 bits per pixel)."""
    train, _ = kgan.datasets.arrays("photo_patches", "train", 16)
    shape = train.shape[1:]
    model = family(
        shape,
        BITS,
        alice=steganography.hider(shape, BITS, 32, **SIZES),
        bob=steganography.reader(shape, BITS, 16, output_activation="tanh", name="bob", **SIZES),
        eve=eve(),
        seed=seed,
        **kwargs,
    )
    rates = {"eve": keras.optimizers.Adam(2e-4), "alice_bob": keras.optimizers.Adam(1e-3)}
    model.compile(optimizers=rates, steps_per_execution=min(50, steps))
    order = np.random.default_rng(seed).permutation(-(-steps * BATCH // len(train)) * len(train))[: steps * BATCH] % len(train)
    model.fit(train[order], batch_size=BATCH, verbose=0)
    return model, train


def in_game_auc(model: kgan.SteganographyGAN, covers: Array, stego: Array) -> float:
    """How well the Eve of the game ranks covers above stego images, in the mode she is trained in.

    The area under the receiver operating characteristic, 0.5 where she cannot: minibatches of the game's size, covers and stego images
    apart, each normalized by its own statistics. What these calls do to the moving statistics is undone.
    """
    kept = model.eve.get_weights()

    def judged(images: Array) -> Array:
        whole = len(images) // BATCH * BATCH
        return np.concatenate(
            [ops.convert_to_numpy(model.eve(part, training=True)) for part in np.split(images[:whole], whole // BATCH)]
        )

    with backend.no_gradient():
        real, fake = (judged(images).ravel() for images in (covers, stego))
    model.eve.set_weights(kept)
    return float((real[:, None] > fake).mean() + 0.5 * (real[:, None] == fake).mean())


def figures(model, train, seed, steps):
    """On 2,000 patches of parts of photos that nobody trained on.

    Two Eves are trained on the finished work, on other messages: one as in the game, with covers and stego images in two passes, one
    with both in one batch. In two passes batch norm takes away what a whole batch has in common, and what the moving statistics make
    of that in inference is a matter of luck.
    """
    covers, _ = kgan.datasets.arrays("photo_patches", "test", 16)
    covers = covers[np.random.default_rng(0).permutation(len(covers))[:2000]]
    bits = random_bits(model, len(covers), seed)
    stego, hidden = model.hide(covers, bits), model.hide(train, random_bits(model, len(train), seed + 1))
    # Of all pixels together, which is lower than the mean over images.
    error = float(np.square(stego - covers, dtype="float64").mean())
    found = {
        "bit accuracy, 8-bit": float((model.reveal(stego) == bits).mean()),
        "in-game Eve, AUC": in_game_auc(model, covers, stego),
        "in-game Eve, accuracy in inference": model.eve_accuracy(covers, stego),
        "PSNR": float(10 * np.log10(4 / error)),
    }
    for name, joint in (("fresh steganalyzer", False), ("fresh steganalyzer, one batch", True)):
        keras.utils.set_random_seed(seed + 100)
        options = {"steps": min(FRESH_STEPS, steps), "symmetries": False, "joint_batch": joint, "seed": seed}
        fresh = kgan.stego.steganalyzer(train, hidden, eve(), **options)
        found[name], found[f"{name}, 95 % interval"] = fresh.accuracy(covers, stego)
    return found


def paper(report, seed, steps):
    """Part A: the paper's game; without Eve; with the wrong sign of her term.

    Eve's bar has two sides: an Eve who is wrong more often than right is as good as one who is right. That she can tell at all is
    seen where Alice is rewarded for being caught. A fresh steganalyzer has no bar with the paper's Alice, who redraws the cover: one
    number, the log energy of second differences, tells her pictures apart at 0.84.
    """
    found = figures(*play(kgan.SteganographyGAN, seed, steps), seed, steps)
    bars = {
        "bit accuracy, 8-bit": (">= 0.99", lambda v: v >= 0.99),
        "in-game Eve, AUC": ("0.45 to 0.65", lambda v: 0.45 <= v <= 0.65),
        "PSNR": (">= 22", lambda v: v >= 22),
    }
    for name, value in found.items():
        bar, reached = bars.get(name, (None, None))
        report.figure(f"A {name}", value, bar, reached and reached(value), seed)
    for label, family, kwargs in (("no Eve (weight 0)", kgan.SteganographyGAN, {"eve_weight": 0.0}), ("wrong sign", Caught, {})):
        for name, value in figures(*play(family, seed, steps, **kwargs), seed, steps).items():
            wrong = label == "wrong sign" and name in ("in-game Eve, AUC", "fresh steganalyzer")
            report.figure(
                f"A {label}: {name}", value, ">= 0.95, it is caught" if wrong else None, value >= 0.95 if wrong else None, seed
            )


def tiles(names):
    return floats(kgan.datasets.gray_patches(names, 32, 32)[0])


def residual(report, seed, steps):
    """Part B: the residual networks on 32x32 tiles, 128 bits each (0.125 bits per pixel), with Eve and without her."""
    pixels, _ = kgan.datasets.gray_patches(kgan.datasets.GRAY_PHOTOS[:7], 32)
    train = floats(kgan.datasets.cover_variants(pixels, steps * RESIDUAL_BATCH // 2, seed))
    for label, weight in (("", {}), (" no Eve (weight 0):", {"eve_weight": 0.0})):
        keras.utils.set_random_seed(seed)
        model = kgan.SteganographyGAN((32, 32, 1), residual=True, seed=seed, **weight)
        rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
        model.compile(optimizers={"alice_bob": keras.optimizers.Adam(rate)}, steps_per_execution=min(50, max(1, steps // 2)))
        model.fit(train, batch_size=RESIDUAL_BATCH, epochs=2, verbose=0)
        covers, judged = tiles(DETECTORS), tiles(JUDGED)
        bits = random_bits(model, len(judged), seed)
        stego = model.hide(judged, bits)
        accuracy, psnr = float((model.reveal(stego) == bits).mean()), kgan.metrics.psnr(judged, stego)
        report.figure(f"B{label} bit accuracy, 8-bit", accuracy, ">= 0.99", accuracy >= 0.99, seed)
        report.figure(f"B{label} PSNR, mean", float(psnr.mean()), ">= 35", psnr.mean() >= 35, seed)
        report.figure(f"B{label} PSNR, lowest of a tile", float(psnr.min()), ">= 35", psnr.min() >= 35, seed)
        report.figure(f"B{label} in-game Eve", model.eve_accuracy(judged, stego), seed=seed)
        keras.utils.set_random_seed(seed + 100)
        hidden = model.hide(covers, random_bits(model, len(covers), seed + 1))
        fresh = kgan.stego.steganalyzer(covers, hidden, steps=min(ANALYZER_STEPS, steps), batch_size=32, seed=seed)
        found, interval = fresh.accuracy(judged, stego)
        bar = () if weight else ("<= 0.80", found <= 0.8)
        report.figure(f"B{label} fresh steganalyzer, other photos", found, *bar, seed=seed)
        report.figure(f"B{label} its 95 % interval", interval, seed=seed)


PARTS = {"A": (paper, 936), "B": (residual, 2000)}


if __name__ == "__main__":
    run("steganography", __doc__, PARTS)
