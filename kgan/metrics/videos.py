"""Figures of predicted frames: likeness, sharpness, coherence; beside the copy of the last frame, which scores high."""

import numpy as np
from keras import ops

from kgan.metrics.similarity import psnr, ssim
from kgan.objectives import correlation_score
from kgan.types import Array


def sharpness(frames: Array, truth: Array) -> float:
    """Mean absolute difference of neighboring pixels over the truth's: below 1 is blurred.

    Args:
        frames, truth: arrays `(..., height, width, channels)` of one shape.

    Returns:
        float >= 0.

    Example:
    >>> import numpy as np
    >>> truth = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 1))
    >>> sharpness(truth / 2, truth)
    0.5
    """
    slopes = [sum(float(np.abs(np.diff(part, axis=axis)).mean()) for axis in (-3, -2)) for part in (frames, truth)]
    return slopes[0] / slopes[1]


def prediction_report(past: Array, future: Array, predicted: Array, patch: int = 8) -> dict[str, list[float]]:
    """Figures of every predicted frame, and of copying the last frame seen.

    Args:
        past, future, predicted: clips `(count, frames, height, width, channels)` in [-1, 1]; the last two of one shape.
        patch: default 8: of `kgan.objectives.correlation_score`.

    Returns:
        name to one number a frame: "psnr" (decibels of 8-bit pixels, the mean over clips, 100 where frames are equal), "ssim" (where
        frames have 11 pixels or more), "score" (the paper's; of a frame among the true one before it), "sharpness"; each also as
        "copy_<name>", of the copy.

    Raises:
        ValueError: for clips that do not fit.
    """
    if past.ndim != 5 or future.shape != predicted.shape or past.shape[2:] != future.shape[2:] or len(past) != len(future):
        raise ValueError(f"Clips do not fit: past {past.shape}, future {future.shape}, predicted {predicted.shape}.")
    before = np.concatenate([past[:, -1:], future[:, :-1]], axis=1)
    still = np.repeat(past[:, -1:], future.shape[1], axis=1)
    report: dict[str, list[float]] = {}
    for prefix, made in (("", np.clip(predicted, -1.0, 1.0)), ("copy_", still)):
        for t in range(future.shape[1]):
            pair = made[:, t], future[:, t]
            found = {"psnr": float(np.minimum(psnr(*pair), 100.0).mean()), "sharpness": sharpness(*pair)}
            if min(future.shape[2:4]) >= 11:
                found["ssim"] = float(ssim(*pair).mean())
            now, last = (ops.convert_to_tensor(part[:, t : t + 1], "float32") for part in (made, before))
            found["score"] = float(ops.convert_to_numpy(correlation_score(now, last, patch)))
            for name, value in found.items():
                report.setdefault(prefix + name, []).append(value)
    return report
