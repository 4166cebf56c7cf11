"""Metrics: definitions on arrays, streaming forms for `compile(metrics=...)`, feature extractors."""

from kgan.metrics.agreement import pixel_agreement
from kgan.metrics.attributes import AttributeClassifier, attribute_agreement, attribute_classifier, conditional_diversity
from kgan.metrics.captions import DocumentFrequencies, bleu, cider, distinct, join_stories, repetition, rouge_l, self_bleu
from kgan.metrics.codes import MutualInformation, purity
from kgan.metrics.densities import kde_coverage
from kgan.metrics.digits import DigitClassifier
from kgan.metrics.extractors import Extractor
from kgan.metrics.frechet import Moments, frechet_distance, frechet_distance_from_moments, reference_moments
from kgan.metrics.inception import InceptionFeatures
from kgan.metrics.kernel import kernel_distance, kernel_mmd2
from kgan.metrics.labels import binned_distribution, label_distribution
from kgan.metrics.learned_steganalysis import Steganalyser, steganalyser
from kgan.metrics.manifolds import density_coverage, precision_recall
from kgan.metrics.meteor_score import meteor, original_meteor
from kgan.metrics.modes import channel_labels, mode_statistics, stacked_mode_statistics, total_variation
from kgan.metrics.reports import digit_report, sample_report
from kgan.metrics.scores import class_score, mode_score
from kgan.metrics.shapes import average_precision, components, linear_accuracy, mean_shape_iou, shape_report, voxel_iou
from kgan.metrics.similarity import mean_ms_ssim, ms_ssim, psnr, ssim
from kgan.metrics.steganalysis import (
    Detection,
    chi_square,
    detection,
    rs_analysis,
    sample_pairs,
    weighted_stego,
    wilson_interval,
)
from kgan.metrics.story_judge import compare_stories, judge_stories, tally
from kgan.metrics.story_reports import metric_versions, story_report
from kgan.metrics.story_reward import StoryReward
from kgan.metrics.streaming import (
    ClassScore,
    FrechetDistance,
    HighQualityShare,
    KernelDistance,
    ModesCovered,
    StackedDivergence,
    StackedModesCovered,
)
from kgan.metrics.wasserstein import image_sliced_wasserstein, laplacian_pyramid, sliced_wasserstein

__all__ = [
    "AttributeClassifier",
    "ClassScore",
    "Detection",
    "DigitClassifier",
    "DocumentFrequencies",
    "Extractor",
    "FrechetDistance",
    "HighQualityShare",
    "InceptionFeatures",
    "KernelDistance",
    "ModesCovered",
    "Moments",
    "MutualInformation",
    "StackedDivergence",
    "StackedModesCovered",
    "Steganalyser",
    "StoryReward",
    "attribute_agreement",
    "attribute_classifier",
    "average_precision",
    "binned_distribution",
    "bleu",
    "channel_labels",
    "chi_square",
    "cider",
    "class_score",
    "compare_stories",
    "components",
    "conditional_diversity",
    "density_coverage",
    "detection",
    "digit_report",
    "distinct",
    "frechet_distance",
    "frechet_distance_from_moments",
    "image_sliced_wasserstein",
    "join_stories",
    "judge_stories",
    "kde_coverage",
    "kernel_distance",
    "kernel_mmd2",
    "label_distribution",
    "laplacian_pyramid",
    "linear_accuracy",
    "mean_ms_ssim",
    "mean_shape_iou",
    "meteor",
    "metric_versions",
    "mode_score",
    "mode_statistics",
    "ms_ssim",
    "original_meteor",
    "pixel_agreement",
    "precision_recall",
    "psnr",
    "purity",
    "reference_moments",
    "repetition",
    "rouge_l",
    "rs_analysis",
    "sample_pairs",
    "sample_report",
    "self_bleu",
    "shape_report",
    "sliced_wasserstein",
    "ssim",
    "stacked_mode_statistics",
    "steganalyser",
    "story_report",
    "tally",
    "total_variation",
    "voxel_iou",
    "weighted_stego",
    "wilson_interval",
]
