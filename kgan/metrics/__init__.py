"""Metrics: definitions on arrays, streaming forms for `compile(metrics=...)`, feature extractors."""

from kgan.metrics.digits import DigitClassifier
from kgan.metrics.functional import (
    class_score,
    frechet_distance,
    frechet_distance_from_moments,
    kernel_distance,
    kernel_mmd2,
    mode_statistics,
    total_variation,
)
from kgan.metrics.reports import digit_report
from kgan.metrics.streaming import FrechetDistance, HighQualityShare, KernelDistance, ModesCovered

__all__ = [
    "DigitClassifier",
    "FrechetDistance",
    "HighQualityShare",
    "KernelDistance",
    "ModesCovered",
    "class_score",
    "digit_report",
    "frechet_distance",
    "frechet_distance_from_moments",
    "kernel_distance",
    "kernel_mmd2",
    "mode_statistics",
    "total_variation",
]
