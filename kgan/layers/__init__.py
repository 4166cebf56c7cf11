"""Layers that adversarial systems need and Keras lacks; each works alone in any Keras model."""

from kgan.layers.activations import LSU, BinarySoftplus, MuReLU
from kgan.layers.channels import Channels
from kgan.layers.clip import Clip
from kgan.layers.conditional_batch_normalization import ConditionalBatchNormalization
from kgan.layers.equalized_learning_rate import EqualizedLearningRate
from kgan.layers.gaussian_blur import GaussianBlur
from kgan.layers.global_sum_pooling import GlobalSumPooling2D
from kgan.layers.initialization import initialize_from_data
from kgan.layers.instance_normalization import InstanceNormalization
from kgan.layers.join_labels import JoinLabels
from kgan.layers.label_preserving import ClipWithPenalty, LearnedBackground, LearnedBlur, LearnedDetail, Lighting
from kgan.layers.ladder_modulation import LadderModulation
from kgan.layers.learned_constant import LearnedConstant
from kgan.layers.masked_convolution import Gate, GatedMaskedConv2D, MaskedConv2D
from kgan.layers.maxout import Maxout
from kgan.layers.minibatch_discrimination import MinibatchDiscrimination
from kgan.layers.minibatch_stddev import MinibatchStdDev
from kgan.layers.pixel_normalization import PixelNormalization
from kgan.layers.quantize import Quantize8Bit, quantize_8bit
from kgan.layers.random_features import RandomFeatures
from kgan.layers.retouch import Retouch
from kgan.layers.spatial_transformer import SpatialTransformer
from kgan.layers.spectral_normalization import SpectralNormalization
from kgan.layers.statistics import estimate_statistics, statistics_kept
from kgan.layers.tags import TagRenderer
from kgan.layers.untied_bias import UntiedBias
from kgan.layers.virtual_batch_normalization import DropReference, PrependReference, VirtualBatchNormalization
from kgan.layers.warp import Warp, warp
from kgan.layers.waves import Sawtooth, Waves
from kgan.layers.weight_normalization import WeightNormalization
from kgan.layers.weight_samples import WeightSamples

__all__ = [
    "LSU",
    "BinarySoftplus",
    "Channels",
    "Clip",
    "ClipWithPenalty",
    "ConditionalBatchNormalization",
    "DropReference",
    "EqualizedLearningRate",
    "Gate",
    "GatedMaskedConv2D",
    "GaussianBlur",
    "GlobalSumPooling2D",
    "InstanceNormalization",
    "JoinLabels",
    "LadderModulation",
    "LearnedBackground",
    "LearnedBlur",
    "LearnedConstant",
    "LearnedDetail",
    "Lighting",
    "MaskedConv2D",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "MuReLU",
    "PixelNormalization",
    "PrependReference",
    "Quantize8Bit",
    "RandomFeatures",
    "Retouch",
    "Sawtooth",
    "SpatialTransformer",
    "SpectralNormalization",
    "TagRenderer",
    "UntiedBias",
    "VirtualBatchNormalization",
    "Warp",
    "Waves",
    "WeightNormalization",
    "WeightSamples",
    "estimate_statistics",
    "initialize_from_data",
    "quantize_8bit",
    "statistics_kept",
    "warp",
]
