"""LR-GAN, layered recursive GANs: Yang, Kannan, Batra, Parikh, ICLR 2017, arXiv 1703.01560."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, NonNegative, Positive, Shape
from kgan.families.gan import GAN
from kgan.networks import dcgan, layered
from kgan.types import Array, SeedLike, Tensor


@keras.saving.register_keras_serializable("kgan")
class LRGAN(GAN):
    """Pictures painted in layers, of which only the last is judged: a background, and objects over it with masks and poses.

    A generator paints x_0, then `foregrounds` times an appearance f_t, a mask m_t and an affine pose a_t over it (Eq. 4):
    `x_t = S(m_t, a_t) S(f_t, a_t) + (1 - S(m_t, a_t)) x_{t-1}`, t = 1 .. T, with S the spatial transformer of `kgan.layers`. The game is
    that of `kgan.GAN` on x_T, without a term for masks: that objects come to lie in the foreground follows from poses that make them
    smaller than the picture, and from a background that is painted by the weaker network.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3), size 8, 16, 32, 64 ...; taken from `discriminator` if that is given.
        foregrounds: T, default 1 (the paper's; 2 for pictures of two digits).
        filters: default 64 (the authors'), width of the default generator, `kgan.networks.layered.generator`; keep it small on small
            pictures: a background that can paint everything leaves nothing to the foreground.
        discriminator_filters: default 64 (the authors'), width of the default discriminator (DCGAN's, kernels 4x4).
        noise_size: default 100 (the authors'), of every step; `latent_size` is `(foregrounds + 1) * noise_size`.
        pose_scale: default 1.2 (the authors'; 1.3 for faces, 2 for two digits), >= 1: objects are at most `1 / pose_scale` as
            large as the picture, and at least half of that.
        rotation: default 0.1 (the authors'; 0.3 for digits), limit of the off-diagonal numbers of a pose.
        start_scale: default `pose_scale` (the authors'), in [pose_scale, 2 pose_scale]. At the limit itself half of the steps are cut off,
            and below it the gradient is 0: a scale may stay where it is.
        **kwargs: of `kgan.GAN`; a `generator` of your own is a `kgan.networks.layered.LayeredGenerator`, which decides what the arguments
            above decide of the default one.

    Input of `fit`: images in [-1, 1], float32 `(batch, *image_shape)`. Output of `generate`: the same; `compose` returns the layers.

    Default optimizers: Adam(2e-4, beta_1 0.5) (the authors').

    Departures from the paper: the generator moves on fresh noise; with `simultaneous=True` both players see one batch, as in the authors'
    code. The generator's kernels and the LSTM's biases start as Keras', not as torch's. Sampling is bilinear throughout, as in the authors'
    port, whose first version sampled down otherwise. Where the maps of background and foreground differ in number, the encoder of the first
    step is a network of its own; the authors' code does not run there.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.LRGAN((8, 8, 1), filters=2, discriminator_filters=2, noise_size=3, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, verbose=0)
    >>> {name: part.shape for name, part in model.compose(2, seed=0).items()}
    {'canvases': (2, 2, 8, 8, 1), 'appearances': (2, 1, 8, 8, 1), 'masks': (2, 1, 8, 8, 1), 'poses': (2, 1, 2, 3)}
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "data_shape", "latent_size")

    def __init__(
        self,
        image_shape: Shape | None = (64, 64, 3),
        *,
        foregrounds: Count = 1,
        filters: Count = 64,
        discriminator_filters: Count = 64,
        noise_size: Count = 100,
        pose_scale: Positive = 1.2,
        rotation: NonNegative = 0.1,
        start_scale: Positive | None = None,
        **kwargs: Any,
    ) -> None:
        given = kwargs.get("generator")
        if given is not None and not isinstance(given, layered.LayeredGenerator):
            raise TypeError(
                "`generator` must be a kgan.networks.layered.LayeredGenerator, of which the layers of a picture can be asked. Received: "
                f"{type(given).__name__}."
            )
        super().__init__(
            image_shape,
            latent_size=None if given is not None else (foregrounds + 1) * noise_size,
            own_networks=lambda shape, latents: {
                "generator": lambda: layered.generator(
                    shape, noise_size, foregrounds, filters, pose_scale, rotation, start_scale
                ),
                "discriminator": lambda: dcgan.discriminator(shape, discriminator_filters, variant="torch", epsilon=1e-5),
            },
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.foregrounds, self.noise_size = self.generator.foregrounds, self.generator.noise_size
        self.filters, self.discriminator_filters = filters, discriminator_filters
        self.pose_scale, self.rotation, self.start_scale = pose_scale, rotation, start_scale

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def compose(self, count: Count, seed: SeedLike = None, batch_size: Count = 256) -> dict[str, Array]:
        """Pictures and what they are made of, with averaged weights if the model keeps averages.

        Args:
            count: pictures. seed: the same seed gives the same, those of `generate`; None (default) draws new ones.
            batch_size: default 256, pictures computed at once.

        Returns:
            Dict of arrays, T = `foregrounds`: "canvases" `(count, T + 1, height, width, channels)` in [-1, 1], from the background x_0 to
            the picture x_T; "appearances" `(count, T, height, width, channels)` and "masks" `(count, T, height, width, 1)` in [0, 1], both
            where they are painted; "poses" `(count, T, 2, 3)`, in coordinates (y, x) as `kgan.layers.SpatialTransformer` takes them.
        """
        latents = self.generator_inputs(count, seed=self.generation_noise if seed is None else seed)
        height, width, channels = self.image_shape
        steps = self.foregrounds
        shapes = {
            "canvases": (steps + 1, height, width, channels),
            "appearances": (steps, height, width, channels),
            "masks": (steps, height, width, 1),
            "poses": (steps, 2, 3),
        }

        def painted(z: Tensor) -> Tensor:
            parts = self.generator.paint(z)
            return ops.concatenate([ops.reshape(ops.cast(x, "float32"), (len(z), -1)) for part in parts for x in part], axis=-1)

        found = self.in_inference(painted, ops.convert_to_numpy(latents), batch_size=batch_size)
        ends = np.cumsum([np.prod(shape) for shape in shapes.values()])[:-1]
        cut = np.split(found, ends, axis=1)
        return {name: part.reshape(count, *shape) for (name, shape), part in zip(shapes.items(), cut, strict=True)}
