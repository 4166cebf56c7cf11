"""Objectives of adversarial games: pure functions of tensors, each formula once.

A family takes an `Objective`; the models saved with one name it, so an objective of your own must be registered before
such a model is loaded:

>>> import kgan
>>> from keras import ops
>>> linear = kgan.objectives.register(kgan.objectives.Objective(
...     "my_linear",
...     discriminator=lambda real, fake: ops.mean(fake) - ops.mean(real),
...     generator=lambda fake: -ops.mean(fake),
... ))
>>> kgan.objectives.get("my_linear") is linear
True
"""

from kgan.objectives.adversarial import OneSidedSmoothing, hinge, least_squares, minimax, non_saturating, reverse_kl, wasserstein
from kgan.objectives.bayesian import marginal_energy
from kgan.objectives.categorical import conditional_entropy, marginal_entropy
from kgan.objectives.class_logits import class_cross_entropy, one_against_rest, realness, unsupervised
from kgan.objectives.complement import low_density, variational_entropy
from kgan.objectives.dual import dual_generator, log_softplus, ratio_loss
from kgan.objectives.dualing import (
    dualing_dual,
    dualing_optimum,
    dualing_primal,
    dualing_shares,
    local_cost,
    local_dual,
    local_step,
)
from kgan.objectives.energy import ENERGIES, energy_margin, pulling_away, reconstruction_energy
from kgan.objectives.entropy import NEIGHBOR_FORMS, neighbor_directions, neighbor_entropy
from kgan.objectives.f_divergences import FDivergence
from kgan.objectives.features import feature_denoising, feature_matching
from kgan.objectives.fisher import class_critic, fisher_constraint, fisher_distance, second_moment
from kgan.objectives.flow import charbonnier, end_point_error, flow_smoothness
from kgan.objectives.information import mutual_information
from kgan.objectives.kernels import (
    GaussianKernel,
    biased_mmd2,
    feasible_set,
    get_kernel,
    linear_time_mmd2,
    mmd,
    squared_distances,
    unbiased_mmd2,
)
from kgan.objectives.labels import (
    absolute_label_difference,
    label_cross_entropy,
    squared_label_difference,
    swapped_label_cross_entropy,
)
from kgan.objectives.likelihoods import Bernoulli, LogisticMixture, PixelLikelihood
from kgan.objectives.policy import (
    IMITATION_REWARDS,
    gaussian_divergence,
    gaussian_entropy,
    gaussian_log_density,
    generalized_advantages,
    imitation_reward,
)
from kgan.objectives.reconstruction import (
    bit_cross_entropy,
    latent_reconstruction,
    mean_absolute,
    mean_square,
    normal_divergence,
    shape_distance,
    summed_square,
)
from kgan.objectives.registry import Objective, ObjectiveLike, get, names, register
from kgan.objectives.sequences import baseline_error, boltzmann_reward, masked_cross_entropy, masked_mean, reinforce, word_mask
from kgan.objectives.temporal import (
    contrastive,
    correlation,
    correlation_loss,
    correlation_score,
    frame_coherence,
    smooth_correlation_loss,
)
from kgan.objectives.ternary import ternary_discriminator, ternary_generator
from kgan.objectives.triple import label_argmax, label_balance, label_expectation, label_reinforce

__all__ = [
    "ENERGIES",
    "IMITATION_REWARDS",
    "NEIGHBOR_FORMS",
    "Bernoulli",
    "FDivergence",
    "GaussianKernel",
    "LogisticMixture",
    "Objective",
    "ObjectiveLike",
    "OneSidedSmoothing",
    "PixelLikelihood",
    "absolute_label_difference",
    "baseline_error",
    "biased_mmd2",
    "bit_cross_entropy",
    "boltzmann_reward",
    "charbonnier",
    "class_critic",
    "class_cross_entropy",
    "conditional_entropy",
    "contrastive",
    "correlation",
    "correlation_loss",
    "correlation_score",
    "dual_generator",
    "dualing_dual",
    "dualing_optimum",
    "dualing_primal",
    "dualing_shares",
    "end_point_error",
    "energy_margin",
    "feasible_set",
    "feature_denoising",
    "feature_matching",
    "fisher_constraint",
    "fisher_distance",
    "flow_smoothness",
    "frame_coherence",
    "gaussian_divergence",
    "gaussian_entropy",
    "gaussian_log_density",
    "generalized_advantages",
    "get",
    "get_kernel",
    "hinge",
    "imitation_reward",
    "label_argmax",
    "label_balance",
    "label_cross_entropy",
    "label_expectation",
    "label_reinforce",
    "latent_reconstruction",
    "least_squares",
    "linear_time_mmd2",
    "local_cost",
    "local_dual",
    "local_step",
    "log_softplus",
    "low_density",
    "marginal_energy",
    "marginal_entropy",
    "masked_cross_entropy",
    "masked_mean",
    "mean_absolute",
    "mean_square",
    "minimax",
    "mmd",
    "mutual_information",
    "names",
    "neighbor_directions",
    "neighbor_entropy",
    "non_saturating",
    "normal_divergence",
    "one_against_rest",
    "pulling_away",
    "ratio_loss",
    "realness",
    "reconstruction_energy",
    "register",
    "reinforce",
    "reverse_kl",
    "second_moment",
    "shape_distance",
    "smooth_correlation_loss",
    "squared_distances",
    "squared_label_difference",
    "summed_square",
    "swapped_label_cross_entropy",
    "ternary_discriminator",
    "ternary_generator",
    "unbiased_mmd2",
    "unsupervised",
    "variational_entropy",
    "wasserstein",
    "word_mask",
]
