"""Penalties on the discriminator's outputs."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import Level, NonNegative
from kgan.backend import all_layers, full_precision
from kgan.penalties.penalty import Penalty, Scored
from kgan.types import Config, Tensor


def consistency(
    logits: Tensor,
    other_logits: Tensor,
    features: Tensor,
    other_features: Tensor,
    weight: float = 2.0,
    feature_weight: float = 0.1,
    margin: float = 0.0,
) -> Tensor:
    """Disagreement of two dropout passes over the same examples: Wei et al. 2018, 1803.01541, Eq. 4-5.

    `mean max(0, weight (d(l', l'') + feature_weight d(f', f'')) - margin)`, d the squared difference, averaged over features (the
    authors' code; there the weight stands inside the maximum).

    Args:
        logits, other_logits: tensors `(batch, 1)`. features, other_features: tensors `(batch, ...)`.

    Returns:
        Scalar, weighted.
    """
    logits, other_logits = full_precision(logits, other_logits)
    features, other_features = full_precision(features, other_features)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return ops.mean(ops.square(a - b), axis=tuple(range(1, len(a.shape))))

    both = distance(logits, other_logits) + feature_weight * distance(features, other_features)
    return ops.mean(ops.relu(weight * both - margin))


@keras.saving.register_keras_serializable("kgan")
class Consistency(Penalty):
    """The consistency term of CT-GAN: two dropout passes over the same real example must agree (1803.01541, Eq. 4-5).

    The first pass is the one of the adversarial term. Without dropout in the discriminator the term is 0, and refused.

    Args:
        weight: default 2.0 (the paper's lambda_2).
        feature_weight: default 0.1 (the paper's), of the distance between inputs of the last layer.
        margin: default 0.0 (the authors' code; the paper takes M' up to 0.2).
    """

    name = "consistency"
    needs_features = True

    def __init__(self, weight: Level = 2.0, feature_weight: NonNegative = 0.1, margin: NonNegative = 0.0) -> None:
        super().__init__(weight)
        self.feature_weight = feature_weight
        self.margin = margin

    def check(self, discriminator: keras.Model) -> None:
        kinds = (
            keras.layers.AlphaDropout,
            keras.layers.Dropout,
            keras.layers.GaussianDropout,
            keras.layers.GaussianNoise,
            keras.layers.SpatialDropout1D,
            keras.layers.SpatialDropout2D,
            keras.layers.SpatialDropout3D,
        )
        if not any(isinstance(layer, kinds) for layer in all_layers(discriminator)):
            raise ValueError(
                "The consistency term compares two dropout passes, but the discriminator has no dropout layer. Add some: the "
                "paper uses a rate of 0.5 behind every hidden convolution."
            )

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        given = () if scored.labels is None else (scored.labels,)
        logits, features = model.score_with_features(scored.real, *given)
        return consistency(
            scored.real_logits, logits, scored.real_features, features, self.weight_in(model), self.feature_weight, self.margin
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "feature_weight": self.feature_weight, "margin": self.margin}


@keras.saving.register_keras_serializable("kgan")
class Drift(Penalty):
    """`weight * E l(x)^2` over real examples: keeps a critic's outputs near zero (Karras et al. 2018, 1710.10196, appendix A.1).

    Args:
        weight: default 0.001 (the paper's).
    """

    name = "drift"

    def __init__(self, weight: Level = 0.001) -> None:
        super().__init__(weight)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        return self.weight_in(model) * ops.mean(ops.square(full_precision(scored.real_logits)))
