"""Metrics: definitions on arrays, streaming forms for `compile(metrics=...)`, feature extractors."""

from kgan.metrics.agreement import pixel_agreement, shared_information
from kgan.metrics.attribute_judge import AttributeClassifier, attribute_agreement, attribute_classifier, conditional_diversity
from kgan.metrics.choosing import KNOWN, extractor, extractor_name_of
from kgan.metrics.classes import class_agreement, within_classes
from kgan.metrics.codes import MutualInformation, cluster_purity, code_cluster_error, mean_hamming_distance, name_clusters
from kgan.metrics.densities import kde_coverage
from kgan.metrics.extractors import Extractor
from kgan.metrics.flow import flow_outliers, mean_end_point_error
from kgan.metrics.frechet import Moments, frechet_distance, frechet_distance_from_moments, reference_moments
from kgan.metrics.inception import InceptionFeatures
from kgan.metrics.judges import DigitClassifier, FashionClassifier, MNISTClassifier
from kgan.metrics.keras_inception import KerasInceptionFeatures
from kgan.metrics.kernel import kernel_distance, kernel_mmd2
from kgan.metrics.labels import binned_distribution, label_distribution
from kgan.metrics.manifolds import density_coverage, manifold_figures, nearest_neighbors, precision_recall
from kgan.metrics.missing_modes import MissingModes, missing_modes
from kgan.metrics.modes import channel_labels, channel_probabilities, mode_statistics, stacked_mode_statistics, total_variation
from kgan.metrics.random_convolutions import RandomConvolutions
from kgan.metrics.rankings import rank_correlation, ranking_auc
from kgan.metrics.reports import digit_report, sample_report
from kgan.metrics.scores import class_score, mode_score
from kgan.metrics.similarity import mean_ms_ssim, ms_ssim, psnr, ssim
from kgan.metrics.streaming import (
    ClassScore,
    FrechetDistance,
    HighQualityShare,
    KernelDistance,
    ModesCovered,
    StackedDivergence,
    StackedModesCovered,
)
from kgan.metrics.videos import prediction_report, sharpness
from kgan.metrics.wasserstein import image_sliced_wasserstein, laplacian_pyramid, sliced_wasserstein

__all__ = [
    "KNOWN",
    "AttributeClassifier",
    "ClassScore",
    "DigitClassifier",
    "Extractor",
    "FashionClassifier",
    "FrechetDistance",
    "HighQualityShare",
    "InceptionFeatures",
    "KerasInceptionFeatures",
    "KernelDistance",
    "MNISTClassifier",
    "MissingModes",
    "ModesCovered",
    "Moments",
    "MutualInformation",
    "RandomConvolutions",
    "StackedDivergence",
    "StackedModesCovered",
    "attribute_agreement",
    "attribute_classifier",
    "binned_distribution",
    "channel_labels",
    "channel_probabilities",
    "class_agreement",
    "class_score",
    "cluster_purity",
    "code_cluster_error",
    "conditional_diversity",
    "density_coverage",
    "digit_report",
    "extractor",
    "extractor_name_of",
    "flow_outliers",
    "frechet_distance",
    "frechet_distance_from_moments",
    "image_sliced_wasserstein",
    "kde_coverage",
    "kernel_distance",
    "kernel_mmd2",
    "label_distribution",
    "laplacian_pyramid",
    "manifold_figures",
    "mean_end_point_error",
    "mean_hamming_distance",
    "mean_ms_ssim",
    "missing_modes",
    "mode_score",
    "mode_statistics",
    "ms_ssim",
    "name_clusters",
    "nearest_neighbors",
    "pixel_agreement",
    "precision_recall",
    "prediction_report",
    "psnr",
    "rank_correlation",
    "ranking_auc",
    "reference_moments",
    "sample_report",
    "shared_information",
    "sharpness",
    "sliced_wasserstein",
    "ssim",
    "stacked_mode_statistics",
    "total_variation",
    "within_classes",
]
