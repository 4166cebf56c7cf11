"""Proof of FlowGAN: the warp's convention on a real scene, and what the discriminator adds where few pairs are labeled."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.layers import warp

LABELED, CROP = 64, 32
PHOTOS = ("astronaut", "camera", "coffee", "chelsea", "rocket", "brick")


def warp_error(pairs, flow):
    """Mean absolute warp error of frames in [0, 1], where the flow is known and stays inside."""
    known = np.isfinite(flow).all(axis=-1)
    flow = np.where(known[..., None], flow, 0.0).astype("float32")
    y, x = np.mgrid[: flow.shape[1], : flow.shape[2]]
    inside = (x + flow[..., 0] >= 0) & (x + flow[..., 0] <= flow.shape[2] - 1) & (y + flow[..., 1] >= 0)
    inside &= y + flow[..., 1] <= flow.shape[1] - 1
    errors = np.abs(pairs[..., :1] - ops.convert_to_numpy(warp(pairs[..., 1:], flow)))[..., 0] / 2
    return float(errors[known & inside].mean())


def convention(report, seed, steps):
    """Part A: the motorcycle in full, in color as in gray; f = (-disparity, 0) on the left picture."""
    pair, flow = kgan.datasets.motorcycle(1)
    known = np.where(np.isfinite(flow), flow, 0.0).astype("float32")
    inf = np.where(np.isfinite(flow), 0.0, np.inf).astype("float32")
    right, wrong, none = (warp_error(pair, part + inf) for part in (known, -known, 0 * known))
    report.figure("A warp error of the true flow, gray", right, "0.0286 +- 0.001", abs(right - 0.0286) < 1e-3, seed)
    report.figure("A warp error with the sign turned", wrong, "> 0.15", wrong > 0.15, seed)
    report.figure("A warp error of no flow", none, "> 0.12", none > 0.12, seed)
    zero = kgan.metrics.mean_end_point_error(0 * known, flow)
    report.figure("A end-point error of no flow, pixels", zero, "34.34 +- 0.01", abs(zero - 34.34) < 0.01, seed)
    rng = np.random.default_rng(seed)
    images = rng.uniform(-1, 1, (2, 12, 12, 1)).astype("float32")
    shift = np.array([0.3, 0.4], "float32")

    def loss(tensors):
        moved = warp(images, ops.broadcast_to(tensors[0], (2, 12, 12, 2)))
        return ops.mean(ops.square(moved[:, 2:-2, 2:-2])), None

    _, (gradient,) = kgan.backend.value_and_gradients(loss, [ops.convert_to_tensor(shift)])
    h, numeric = 1e-2, []
    for axis in range(2):
        ahead, behind = (loss([ops.convert_to_tensor(shift + s * h * np.eye(2, dtype="float32")[axis])])[0] for s in (1, -1))
        numeric.append((float(ahead) - float(behind)) / (2 * h))
    error = float(np.abs(ops.convert_to_numpy(gradient) - numeric).max() / np.abs(numeric).max())
    report.figure("A gradient by the flow against finite differences, relative", error, "< 0.01", error < 0.01, seed)


def trained(labeled, others, steps, seed, **weights):
    keras.utils.set_random_seed(seed)
    model = kgan.FlowGAN((CROP, CROP, 1), seed=seed, **weights)
    model.compile()
    data = kgan.datasets.unpaired({"labeled": labeled, "unlabeled": others}, batch_size=8, seed=seed)
    model.fit(data, epochs=-(-steps // len(data)), verbose=0)
    return model


def crops(pair, flow, count, seed):
    rng = np.random.default_rng(seed)
    height, width = pair.shape[1:3]
    places = [(int(rng.integers(height - CROP + 1)), int(rng.integers(width - CROP + 1))) for _ in range(count)]
    return tuple(np.stack([part[0, y : y + CROP, x : x + CROP] for y, x in places]) for part in (pair, flow))


def few_labels(report, seed, steps):
    """Part B: 64 labeled pairs of warped photos; unlabeled and tested, the halves of a real scene. Default settings."""
    pair, flow = kgan.datasets.motorcycle()
    half = pair.shape[2] // 2
    others, _ = (
        crops(pair[:, :, : half + 1], flow[:, :, : half + 1], 256, seed) if half + 1 >= CROP else crops(pair, flow, 256, seed)
    )
    test, truth = crops(pair[:, :, -max(CROP, half) :], flow[:, :, -max(CROP, half) :], 64, seed + 1)
    labeled = kgan.datasets.flow_examples(
        *kgan.datasets.warped_pairs(LABELED, CROP, PHOTOS, shrink=4, shift=(5.0, 1.5), seed=seed)
    )
    middle = np.median(truth[np.isfinite(truth).all(axis=-1)], axis=0)
    constant = kgan.metrics.mean_end_point_error(np.broadcast_to(middle, truth.shape), truth)
    report.figure(
        "B end-point error of no flow", kgan.metrics.mean_end_point_error(0 * np.nan_to_num(truth, posinf=0.0), truth), seed=seed
    )
    report.figure("B end-point error of the median as a constant flow", constant, seed=seed)
    found = {}
    for name, weights in {"supervised": {"adversarial_weight": 0.0}, "adversarial": {}}.items():
        made = trained(labeled, others, steps, seed, **weights).flow(test[..., :1], test[..., 1:])
        inf = np.where(np.isfinite(truth), 0.0, np.inf)
        found[name] = kgan.metrics.mean_end_point_error(made, truth), warp_error(test, made + inf)
        for kind, value in zip(("end-point error", "warp error"), found[name], strict=True):
            report.figure(f"B {name}: {kind}", value, seed=seed)
    less = [1 - a / s for a, s in zip(found["adversarial"], found["supervised"], strict=True)]
    report.over_seeds(
        "B end-point error saved by the discriminator", less[0], seed, ">= 0.06, mean", lambda v: v >= 0.06, least=3
    )
    report.over_seeds("B warp error saved by the discriminator", less[1], seed, ">= 0.05, mean", lambda v: v >= 0.05, least=3)
    report.over_seeds(
        "B end-point error below the constant flow's",
        constant - found["adversarial"][0],
        seed,
        "> 0, mean",
        lambda v: v > 0,
        least=3,
    )


PARTS = {"A": (convention, 1), "B": (few_labels, 1536)}


if __name__ == "__main__":
    run("flow_gan", __doc__, PARTS)
