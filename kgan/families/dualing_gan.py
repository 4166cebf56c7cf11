"""Dualing GANs: Li, Schwing, Wang, Zemel, NIPS 2017, arXiv 1706.06216."""

import math
import warnings
from typing import Any

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Network, Positive, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, check_network, given_or_built
from kgan.families.gan import count_of
from kgan.layers import RandomFeatures
from kgan.networks import mlp
from kgan.types import Nest, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class DualingGAN(GenerativeModel):
    """A generator against a linear discriminator that is always optimal: no saddle point is left, both sides of the dual are maximized.

    On fixed features phi the discriminator `sigmoid(w.phi(x))` minimizes the convex cost
    `f(w) = C/2 ||w||^2 + 1/(2n) sum sp(-w.phi(x_i)) + 1/(2n) sum sp(w.phi(G(z_i)))`, sp softplus. Its minimum is the maximum over
    `0 <= lambda <= 1/(2n)`, one number for each of the 2n examples of the minibatch, of

    `g = -1/(2C) ||sum lambda_x phi(x) - sum lambda_z phi(G(z))||^2 + 1/(2n) sum H(2n lambda_x) + 1/(2n) sum H(2n lambda_z)`,

    H the entropy of two outcomes. In every move the inner problem is solved, by Newton's method on w from the optimum of the minibatch
    before, lambda follows from w, and the generator takes a step up g with lambda held fixed, which is the exact gradient of `min_w f`.
    g rises to log 2, where features of data and samples have equal means, and says how far the training is.

    The default features are made for points and small pictures. Of 28-pixel digits they fix 301 means, which noise can have as well, and
    does: larger pictures need `features` that see what matters in them.

    Args:
        data_shape: shape of one example, `(features,)` or `(height, width, channels)` for images in [-1, 1].
        regularization: default 0.01 (ours), C. The smaller, the more the discriminator fits the minibatch; where it separates it, the
            generator learns nothing.
        features: `keras.Model` from examples to `(batch, size)`, which stays as it is: it may have been trained for something else. Best
            with a constant among its outputs. Default (ours): `kgan.layers.RandomFeatures`: for points 60 waves of bandwidths 0.3, 1 and 3,
            for images 300 rectified directions.
        newton_steps: default 4, at each move.
        generator: network of your own. Default: two layers of 64 tanh for points, 256 ReLU with batch norm for images.
        latent_size: default 4 for points, 64 for images.
        prior, seed, name, dtype: as in `kgan.GMMN`.

    Input of `fit`: examples `(batch, *data_shape)`, float32, in large minibatches (256). Output of `generate`: `(count, *data_shape)`.

    Logs: `generator/dual`, that is -g; `generator/duality_gap`, f - g at the w that was found, 0 where it is optimal. Under several
    replicas each solves for its own examples.

    Default optimizers: Adam(1e-3, beta_1 0.5), ours.

    Raises:
        ValueError: for `regularization <= 0`, networks of other shapes, or data the networks cannot take.

    Departures from the paper: it solves the dual by a general solver; Newton's method on w has the same optimum. Of its three forms this is
    the first; `kgan.TrustRegionDualingGAN` has those for discriminators that are networks. Its features are the pixels; the random ones, C
    and all sizes are ours.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.DualingGAN((2,), seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(512, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=256, verbose=0)
    >>> 0 < -float(history.history["generator/dual"][0]) < 0.6932, float(history.history["generator/duality_gap"][0]) < 1e-3
    (True, True)
    """

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        regularization: Positive = 0.01,
        features: Network | None = None,
        newton_steps: Count = 4,
        generator: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if data_shape is None and features is not None:
            data_shape = features.input_shape[1:]
        shape, generator, features = given_or_built(
            data_shape,
            {"generator": generator, "features": features},
            lambda shape: {"generator": lambda: _generator(shape, latent_size), "features": lambda: _features(shape)},
        )
        super().__init__(shape, generator=generator, latent_size=latent_size, **kwargs)
        check_network(self.generator, "generator", (self.latent_size,), self.data_shape, "an example")
        size = tuple(features.output_shape)[1:]
        check_network(features, "network of features", self.data_shape, size[:1], "features")
        self.regularization = regularization
        self.features = features
        self.newton_steps = newton_steps
        self.separator = self.add_weight(name="separator", shape=size, initializer="zeros", trainable=False, dtype="float32")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"generator": keras.optimizers.Adam(1e-3, beta_1=0.5, epsilon=1e-8)}

    def check_data(self, batch: Nest, shape: Sizes | None = None) -> None:
        super().check_data(batch, shape)
        if self.separator.shape[0] > 2 * len(batch) and self.regularization < 0.01:
            warnings.warn(
                f"{self.separator.shape[0]} features tell {len(batch)} examples from as many samples whatever these are, and with a "
                f"regularization of {self.regularization:g} the generator learns nothing. Take larger minibatches or 0.01 and more.",
                stacklevel=2,
            )

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((Move("generator", ("generator",), self.generator_loss),)),)

    def generator_loss(self, real: Any) -> Terms:
        features, fake_features = (self.features(x, training=False) for x in (real, self.generated(count_of(real))))
        start = backend.snapshot(self.separator)
        weights = objectives.dualing_optimum(start, features, fake_features, self.regularization, self.newton_steps)
        if self.in_training:
            self.separator.assign(backend.mean_over_replicas(weights))
        shares, fake_shares = map(ops.stop_gradient, objectives.dualing_shares(weights, features, fake_features))
        dual = objectives.dualing_dual(shares, fake_shares, features, fake_features, self.regularization)
        gap = objectives.dualing_primal(weights, features, fake_features, self.regularization) - dual
        return {"dual": -dual, "duality_gap": Observation(gap)}

    def separation(self, examples: Tensor) -> Tensor:
        """The score `w.phi(x)` of examples, `(batch,)`, by the discriminator of the last minibatch; higher = more real."""
        phi = backend.full_precision(self.features(examples, training=False))
        return ops.matmul(phi, ops.convert_to_tensor(self.separator))


def _generator(shape: Sizes, latent_size: int | None) -> keras.Model:
    if len(shape) == 3:
        return mlp.generator(shape, latent_size or 64, (256, 256), batch_norm=True, output_activation="tanh")
    return mlp.generator(shape, latent_size or 4, (64, 64), "tanh")


def _features(shape: Sizes) -> keras.Model:
    if len(shape) == 3:
        layer = RandomFeatures(300, scales=(1.5 / math.sqrt(math.prod(shape)),), gain=3.0, name="rectified")
    else:
        layer = RandomFeatures(60, "fourier", scales=(1 / 0.3, 1.0, 1 / 3), name="waves")
    return keras.Sequential([keras.Input(shape), layer], name="features")
