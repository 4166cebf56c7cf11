"""Proof of LR-GAN: the composition by hand; objects of real digits found without a mask, and not without poses."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import layered

SIZE, NOISE, BATCH = 32, 32, 32
TRANSFORMER = kgan.layers.SpatialTransformer()


def composition(report, seed, steps):
    """Part A: identity, twice the distance between pixels, and the blend of Eq. 4 on networks at their start."""
    images = np.random.default_rng(seed).uniform(-1, 1, (8, SIZE, SIZE, 1)).astype("float32")
    kept = TRANSFORMER([images, np.tile(np.eye(2, 3, dtype="float32"), (8, 1, 1))])
    error = float(np.abs(ops.convert_to_numpy(kept) - images).max())
    report.figure("A largest change under the identity", error, "< 1e-5", error < 1e-5, seed)
    half = TRANSFORMER([np.ones_like(images[:1]), 2.0 * np.eye(2, 3, dtype="float32")[None]])
    covered = int((ops.convert_to_numpy(half) > 0.5).sum())
    report.figure("A pixels of a square at scale 2 (256 +- 32)", covered, "224 to 288", abs(covered - 256) <= 32, seed)
    parts = built(seed).compose(64, seed=seed)
    mask, before = parts["masks"][:, 0], parts["canvases"][:, 0]
    blend = mask * parts["appearances"][:, 0] + (1 - mask) * before
    error = float(np.abs(blend - parts["canvases"][:, 1]).max())
    report.figure("A largest error of the blend", error, "< 1e-6", error < 1e-6, seed)


def built(seed, poses=True):
    """LR-GAN for the digits; without `poses` every foreground lies where and as large as the picture."""
    generator = layered.generator((SIZE, SIZE, 1), NOISE, filters=8, start_scale=1.4)
    if not poses:
        code = keras.Input((NOISE,))
        still = keras.Model(
            code, keras.layers.Dense(6, kernel_initializer="zeros", trainable=False, name="still")(code), name="pose"
        )
        generator = layered.LayeredGenerator(
            generator.background, generator.foreground, generator.recurrent, still, scale=1.0, rotation=0.0, start_scale=1.0
        )
    return kgan.LRGAN(
        generator=generator,
        discriminator=kgan.networks.dcgan.discriminator((SIZE, SIZE, 1), 32, variant="torch", growth=2, epsilon=1e-5),
        seed=seed,
    )


def found(model, seed, count=512):
    """Deviation within a background and within a picture, mean mask, and IoU of masks with what stands out of its picture."""
    parts = model.compose(count, seed=seed)
    background, picture, mask = parts["canvases"][:, 0], parts["canvases"][:, -1], parts["masks"][:, 0]
    ink = picture - np.median(picture, axis=(1, 2, 3), keepdims=True) > 0.5
    inside = mask > 0.5
    iou = (inside & ink).sum() / max(1, (inside | ink).sum())
    return {
        "background": float(background.std(axis=(1, 2, 3)).mean()),
        "picture": float(picture.std(axis=(1, 2, 3)).mean()),
        "mask": float(mask.mean()),
        "iou": float(iou),
    }


def trained(seed, steps, poses=True):
    digits, _ = kgan.datasets.arrays("mnist", "train")
    images, _ = kgan.datasets.place(digits, 6000, SIZE, seed=seed)
    keras.utils.set_random_seed(seed)
    model = built(seed, poses)
    model.compile(
        optimizers={move: keras.optimizers.Adam(4e-4, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")},
        steps_per_execution=min(20, steps),
    )
    model.fit(images, batch_size=BATCH, epochs=1, steps_per_epoch=steps, verbose=0)
    return model, float(images.std(axis=(1, 2, 3)).mean())


def digits(report, seed, steps):
    """Part B: MNIST-ONE of real digits on one gray level. The truth about the background is that it is constant."""
    model, real = trained(seed, steps)
    own = found(model, seed)
    report.figure("B deviation within x_0", own["background"], "<= 0.05", own["background"] <= 0.05, seed)
    gap = abs(own["picture"] - real)
    report.figure("B deviation within x_1, real", [own["picture"], real], "0.04 apart", gap <= 0.04, seed)
    report.figure("B IoU of mask and digit", own["iou"], ">= 0.7", own["iou"] >= 0.7, seed)
    report.figure("B mean mask", own["mask"], seed=seed)


def without_poses(report, seed, steps):
    """Part C: the same with the identity in place of every pose: background and digit do not come apart."""
    own = found(trained(seed, steps, poses=False)[0], seed)
    report.figure("C identity poses: deviation within x_0", own["background"], ">= 0.08", own["background"] >= 0.08, seed)
    report.figure("C identity poses: IoU", own["iou"], "<= 0.2", own["iou"] <= 0.2, seed)


PARTS = {"A": (composition, 1), "B": (digits, 1200), "C": (without_poses, 560)}


if __name__ == "__main__":
    run("lrgan", __doc__, PARTS)
