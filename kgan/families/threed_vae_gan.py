"""3D-VAE-GAN, shapes from pictures: Wu, Zhang, Xue, Freeman, Tenenbaum, NIPS 2016, arXiv 1610.07584, section 3.3."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import Network, NonNegative, Shape
from kgan.engine import Move, Terms, Turn
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.gan import count_of
from kgan.families.threed_gan import ThreeDGAN, check_occupancies
from kgan.networks import volumetric
from kgan.priors import Normal
from kgan.types import Array, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ThreeDVAEGAN(ThreeDGAN):
    """3D-GAN with an encoder E that tells from one picture y of a shape x which latent the generator makes it from.

    E gives a normal distribution q(z | y) with independent coordinates. With the two terms

        L_KL = KL(q(z | y) || N(0, I))     (Eq. 4)
        L_R  = ||G(E(y)) - x||_2           (Eq. 5: the norm over all voxels of a shape; z drawn from q)

    the players minimize, one after the other on the same pairs (x, y),

    - discriminator: `L_D` of `kgan.ThreeDGAN` on x and G(z), z from the prior, where its gate is open;
    - encoder: `kl_weight * L_KL + reconstruction_weight * L_R`;
    - generator: `L_G + reconstruction_weight * L_R`, again with z drawn from q.

    Reconstructions are not shown to the discriminator.

    Args:
        voxel_shape: as in `kgan.ThreeDGAN`.
        image_shape: `(size, size, channels)` of the pictures, default (256, 256, 3) (the paper's).
        encoder: `keras.Model` from pictures to `(batch, 2 * latent_size)`, means and log variances. Default: the paper's,
            `kgan.networks.volumetric.image_encoder`; for pictures below 64 pixels with three convolutions of kernel 5 and stride 2.
        kl_weight: default 5 (the authors').
        reconstruction_weight: default 1e-4 (the authors'). It is made for 64^3; for the term to count at smaller sizes, where
            the norm is smaller too and E must learn from less, take more: 0.1 to 0.3 at 16^3, and a `kl_weight`
            of 0.01; with 5 the code stays empty there and every reconstruction is the mean shape.
        prior: default `Normal()` (the paper's): here the prior is what q is drawn to.
        **kwargs: of `kgan.ThreeDGAN`.

    Input of `fit`: a dict `{"shapes": (count, *voxel_shape) in [0, 1], "views": (count, *image_shape) in [-1, 1]}`. `generate` draws from
    the prior; `encode` and `reconstruct` take pictures.

    Logs: as `kgan.ThreeDGAN`, and `encoder/divergence`, `encoder/reconstruction`, `generator/reconstruction`, weighted.

    Default optimizers: as in `kgan.ThreeDGAN`; Adam(1e-4, beta_1 0.5) for the encoder (the ports').

    Raises:
        ValueError: as `kgan.ThreeDGAN`; for negative weights, an encoder that does not fit, data that are not such a dict.

    Departures from the paper: those of `kgan.ThreeDGAN`. The order of the moves, the weights and the encoder's rate are those of its
    ports. The pictures' backgrounds, photos of rooms, are the user's to add.

    Example:
    >>> import kgan
    >>> shapes, labels = kgan.shapes.solids(32, size=8, seed=0)
    >>> data = {"shapes": shapes, "views": kgan.shapes.views(shapes, 16)}
    >>> model = kgan.ThreeDVAEGAN((8, 8, 8, 1), image_shape=(16, 16, 1), filters=4, latent_size=5, seed=0)
    >>> model.compile()
    >>> history = model.fit(data, batch_size=16, verbose=0)
    >>> model.encode(data["views"]).shape, model.reconstruct(data["views"]).shape
    ((32, 5), (32, 8, 8, 8, 1))
    """

    default_prior = Normal()

    def __init__(
        self,
        voxel_shape: Shape | None = (64, 64, 64, 1),
        *,
        image_shape: Shape = (256, 256, 3),
        encoder: Network | None = None,
        kl_weight: NonNegative = 5.0,
        reconstruction_weight: NonNegative = 1e-4,
        **kwargs: Any,
    ) -> None:
        super().__init__(voxel_shape, **kwargs)
        self.image_shape = tuple(image_shape if encoder is None else encoder.input_shape[1:])
        small: dict[str, Any] = {"kernels": (5, 5, 5), "strides": (2, 2, 2)} if self.image_shape[0] < 64 else {}
        sizes = {"latent_size": self.latent_size, "filters": self.filters, "epsilon": self.epsilon, **small}
        makers = {"encoder": lambda: volumetric.image_encoder(self.image_shape, **sizes)}
        _, self.encoder = given_or_built(self.image_shape, {"encoder": encoder}, lambda _: makers)
        what = "means and log variances of the latents"
        check_network(self.encoder, "encoder", self.image_shape, (2 * self.latent_size,), what)
        self.kl_weight = kl_weight
        self.reconstruction_weight = reconstruction_weight

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {**super().default_optimizers(), "encoder": keras.optimizers.Adam(1e-4, beta_1=0.5, epsilon=1e-8)}

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        if not isinstance(batch, dict) or set(batch) != {"shapes", "views"}:
            raise ValueError(
                'Data must be a dict {"shapes": voxels, "views": pictures} of one picture for each shape. Received: '
                f"{sorted(batch) if isinstance(batch, dict) else type(batch).__name__}."
            )
        check_occupancies(batch["shapes"], self.voxel_shape)
        super(ThreeDGAN, self).check_data(batch["views"], self.image_shape)

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator, generator = super().turns()
        return discriminator, Turn((Move("encoder", ("encoder",), self.encoder_loss),), fresh=False), generator

    def discriminator_loss(self, batch: Any) -> Terms:
        return super().discriminator_loss(batch["shapes"])

    def encoder_loss(self, batch: Any) -> Terms:
        mean, log_variance = self.posterior(batch["views"], self.in_training)
        return {
            "divergence": self.kl_weight * objectives.normal_divergence(mean, log_variance),
            "reconstruction": self._reconstruction(batch["shapes"], mean, log_variance),
        }

    def generator_loss(self, batch: Any) -> Terms:
        terms = super().generator_loss(batch["shapes"])
        return {
            **terms,
            "reconstruction": self._reconstruction(batch["shapes"], *self.posterior(batch["views"], self.in_training)),
        }

    def posterior(self, views: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | y), each `(batch, latent_size)`, float32."""
        both = ops.cast(self.encoder(views, training=training), "float32")
        return both[:, : self.latent_size], both[:, self.latent_size :]

    def _reconstruction(self, shapes: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        noise = keras.random.normal((count_of(shapes), self.latent_size), dtype="float32", seed=self.seed_generator)
        made = self.generator(mean + ops.exp(0.5 * log_variance) * noise, training=self.in_training)
        return self.reconstruction_weight * objectives.shape_distance(ops.cast(shapes, "float32"), made)

    # Pictures to shapes ----------------------------------------------------------------------------------------------

    def encode(self, views: Array, batch_size: int = 64) -> Array:
        """The means of q(z | y), in inference mode.

        Args:
            views: array `(count, *image_shape)` in [-1, 1]. batch_size: pictures computed at once.

        Returns:
            NumPy array `(count, latent_size)`.
        """
        return self._from_views(lambda mean: mean, views, batch_size)

    def reconstruct(self, views: Array, batch_size: int = 64) -> Array:
        """Shapes `(count, *voxel_shape)` from pictures: G at the mean of q(z | y). Arguments as in `encode`."""
        return self._from_views(lambda mean: self.generator(mean, training=False), views, batch_size)

    def _from_views(self, function: Callable[[Tensor], Tensor], views: Array, batch_size: int) -> Array:
        views = np.asarray(views)
        super(ThreeDGAN, self).check_data(views, self.image_shape)
        return self.in_inference(lambda part: function(self.posterior(part, training=False)[0]), views, batch_size=batch_size)
