"""Progressive growing of GANs: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196."""

import keras
from keras import ops

from kgan import backend
from kgan.arguments import COUNT, shown
from kgan.callbacks import fit_in_parts
from kgan.families.gan import GAN
from kgan.networks.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    check_progressive_shape,
    downsample,
    upsample,
)
from kgan.penalties import Drift, GradientPenalty

_MINIBATCHES = {256: 14, 512: 6, 1024: 3}


@keras.saving.register_keras_serializable("kgan")
class ProGAN(GAN):
    """Two networks that start at 4x4 pixels and double their resolution phase by phase, each new block being faded in.

    The phases: train at `start_resolution`; then for each doubling one phase that fades the new blocks of both networks, and the detail of
    the real images, from weight 0 to 1, and one phase that trains on. A phase lasts until the discriminator has seen `images_per_phase`
    real images. The optimizers' moments are reset at every phase. `L_D = E D(G(z)) - E D(x) + GP + drift E D(x)^2` with
    `GP = penalty_weight E (||grad D(x^)|| - gamma)^2 / gamma^2`; `L_G = -E D(G(z))`.

    `fit` trains on from where the model stands and grows it when a phase ends, at the end of an epoch. `generate` draws at the present
    resolution, with the average of the generator's weights (0.999 per round) that `compile` keeps by default.

    Args:
        image_shape: `(size, size, channels)`, default (1024, 1024, 3) (CelebA-HQ): the last resolution, a power of two.
        start_resolution: int, default 4 (the paper's), a power of two up to size.
        images_per_phase: int, default 800,000 (the paper's).
        minibatches: dict of resolution to `batch_size`, for arrays; default {256: 14, 512: 6, 1024: 3} (the paper's), 16 or `fit`'s
            `batch_size` elsewhere.
        base_maps: int, default 8192; max_maps: int, default 512 (the paper's): there are `min(2 * base_maps / resolution, max_maps)`
            feature maps.
        penalty_weight: float, default 10.0. gamma: float, default 1.0 (750 for CIFAR-10). drift: float, default 0.001 (the paper's).
        group_size: int or None, default None: the whole minibatch (the paper), of the minibatch standard deviation; 4 in the later code.
        generator, discriminator: networks of your own with the call arguments of `kgan.networks.progressive`.
        latent_size: int, default 512 (the paper's).
        **kwargs: of `kgan.GAN`.

    Input of `fit`: images of the last resolution, or of the present one, in [-1, 1]; or a callable
        `(resolution, batch_size) -> data` with a data set stored at every resolution.

    Raises:
        ValueError: for sizes that are no powers of two, a minibatch that is no multiple of the group, fewer than one image per phase.

    Departures from the paper: the weight of a fade moves with every minibatch, the authors' code holds it for four; the average moves once
    per round. Outputs are not squashed; `kgan.pictures` clips them. `grow_to` zeroes the optimizers' variables, as suits Adam. A
    phase ends with the epoch in which it is complete.

    Example: 4x4, fade to 8x8, train at 8x8.

    >>> import numpy as np, kgan
    >>> model = kgan.ProGAN((8, 8, 1), images_per_phase=32, base_maps=16, max_maps=8, latent_size=8, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, epochs=3, verbose=0)
    >>> model.phase, model.resolution, model.generate(2, seed=0).shape
    (2, 8, (2, 8, 8, 1))
    """

    fixed_arguments = ("data_shape", "objective", "penalties", "joint_batch")

    def __init__(
        self,
        image_shape=(1024, 1024, 3),
        *,
        start_resolution=4,
        images_per_phase=800_000,
        minibatches=None,
        base_maps=8192,
        max_maps=512,
        penalty_weight=10.0,
        gamma=1.0,
        drift=0.001,
        group_size=None,
        generator=None,
        discriminator=None,
        latent_size=512,
        **kwargs,
    ):
        size = check_progressive_shape(image_shape)[0]
        resolutions = [4 * 2**k for k in range((size // 4).bit_length())]
        if start_resolution not in resolutions:
            raise ValueError(f"`start_resolution` must be one of {resolutions}. Received: {start_resolution!r}.")
        super().__init__(
            image_shape,
            generator=generator or ProgressiveGenerator(image_shape, latent_size, base_maps, max_maps),
            discriminator=discriminator or ProgressiveDiscriminator(image_shape, base_maps, max_maps, group_size),
            objective="wasserstein",
            penalties=[GradientPenalty(penalty_weight / gamma**2, gamma), Drift(drift)],
            latent_size=latent_size,
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.start_resolution = start_resolution
        self.images_per_phase = images_per_phase
        self.minibatches = _by_resolution(_MINIBATCHES if minibatches is None else minibatches)
        self.base_maps = base_maps
        self.max_maps = max_maps
        self.penalty_weight = penalty_weight
        self.gamma = gamma
        self.drift = drift
        self.group_size = group_size
        self.num_phases = 2 * (len(resolutions) - resolutions.index(start_resolution)) - 1
        self.phase = 0
        # As weights, so that every kind of file holds them: the phase, and the real images seen in it.
        count = {"shape": (), "initializer": "zeros", "trainable": False, "dtype": "int32"}
        self._stored_phase = self.add_weight(name="phase", **count)
        self._shown = self.add_weight(name="shown", **count)

    def default_optimizers(self):
        return {move: keras.optimizers.Adam(1e-3, 0.0, 0.99, 1e-8) for move in ("discriminator", "generator")}

    def compile(self, optimizers=None, metrics=None, averages=None, **kwargs):
        if averages is None and not self._averages.decays():
            averages = {"generator": 0.999}
        super().compile(optimizers, metrics, averages, **kwargs)

    # Phases ----------------------------------------------------------------------------------------------------------

    @property
    def resolution(self):
        """Pixels of the present phase."""
        return self.start_resolution * 2 ** ((self.phase + 1) // 2)

    @property
    def fading(self):
        """Whether the present phase fades a block in."""
        return self.phase % 2 == 1

    @property
    def alpha(self):
        """Weight of the newest blocks, a scalar tensor; None where they are not being faded."""
        if not self.fading:
            return None
        return ops.minimum(ops.cast(ops.convert_to_tensor(self._shown), "float32") / self.images_per_phase, 1.0)

    def grow_to(self, phase):
        """Start a phase: 0 trains at `start_resolution`, odd ones fade the next resolution in, even ones train on at it.

        Resets the optimizers' moments and the count of images.
        """
        if not isinstance(phase, int) or not 0 <= phase < self.num_phases:
            raise ValueError(f"`phase` must be an integer from 0 to {self.num_phases - 1}. Received: {phase!r}.")
        self._shown.assign(0)
        self._stored_phase.assign(phase)
        self._enter(phase)
        if self.compiled:
            for move in ("discriminator", "generator"):
                optimizer = self.optimizer[move]
                for variable in optimizer.variables:
                    if variable is not optimizer.learning_rate:
                        variable.assign(ops.zeros_like(backend.constant(variable)))

    def _enter(self, phase):
        if phase != self.phase:
            # Which blocks run is decided while a step is traced.
            self.train_function = self.test_function = self.predict_function = None
        self.phase = phase

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self._enter(int(ops.convert_to_numpy(self._stored_phase)))

    def set_weights(self, weights):
        super().set_weights(weights)
        self._enter(int(ops.convert_to_numpy(self._stored_phase)))

    @property
    def phase_complete(self):
        """Whether the present phase has seen its images."""
        return int(ops.convert_to_numpy(self._shown)) >= self.images_per_phase

    @property
    def part_complete(self):
        """Whether the next phase is due."""
        return self.phase_complete and self.phase + 1 < self.num_phases

    # The game, at the present resolution -----------------------------------------------------------------------------

    def unpack(self, data):
        images = super().unpack(data)
        shape = tuple(getattr(images, "shape", ()))[1:]
        present = (self.resolution, self.resolution, self.image_shape[-1])
        if shape not in (present, tuple(self.image_shape)):
            raise ValueError(
                f"Images must have the shape {tuple(self.image_shape)}, or {present} in the present phase. Received: {shape} per example."
            )
        return downsample(ops.convert_to_tensor(images), shape[0] // self.resolution) if shape != present else images

    def blend(self, real):
        """Real images with as much detail as the networks' newest blocks count for."""
        alpha = self.alpha
        if alpha is None:
            return real
        alpha = ops.cast(alpha, real.dtype)
        return alpha * real + (1.0 - alpha) * upsample(downsample(real))

    def discriminator_loss(self, real):
        terms = super().discriminator_loss(self.blend(real))
        if self.in_training:
            self._shown.assign_add(ops.cast(ops.shape(real)[0] * backend.replica_count(), "int32"))
        return terms

    def generated(self, count):
        latents = self.generator_inputs(count, seed=self.seed_generator)
        return self.generator(latents, resolution=self.resolution, alpha=self.alpha, training=self.in_training)

    def score(self, examples):
        return self.discriminator(examples, resolution=self.resolution, alpha=self.alpha, training=self.in_training)

    def call(self, inputs, training=False):
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            return self.generator(inputs, resolution=self.resolution, alpha=self.alpha, training=training)

    def check_data(self, batch):
        super().check_data(ops.convert_to_numpy(batch), (self.resolution, self.resolution, self.image_shape[-1]))

    # Training --------------------------------------------------------------------------------------------------------

    def fit(self, x, y=None, *, batch_size=None, epochs=1, initial_epoch=0, callbacks=None, verbose="auto", **kwargs):
        """As `kgan.AdversarialModel.fit`; grows the model at the end of the epoch in which a phase is complete.

        Args:
            x: as there, or a callable `(resolution, batch_size) -> x`.
            batch_size: int, default 16 (the paper's up to 128 pixels), for resolutions that `minibatches` does not name.
            others: as there.
        """

        def part(callbacks, start):
            if self.part_complete:
                self.grow_to(self.phase + 1)
            size = self.minibatches.get(self.resolution, batch_size or 16)
            data = x(self.resolution, size) if callable(x) else x
            size = size if hasattr(data, "shape") else None
            super(ProGAN, self).fit(
                data, y, batch_size=size, epochs=epochs, initial_epoch=start, callbacks=callbacks, verbose=verbose, **kwargs
            )

        return fit_in_parts(self, part, epochs=epochs, initial_epoch=initial_epoch, callbacks=callbacks, verbose=verbose)


def _by_resolution(minibatches):
    """Minibatch sizes by resolution; keys are text in a saved configuration."""
    if not isinstance(minibatches, dict) or not all(str(k).isdigit() and COUNT.accepts(v) for k, v in minibatches.items()):
        raise TypeError(
            f"`minibatches` must be a dict of resolution to minibatch size, as {{4: 16}}. Received: {shown(minibatches)}."
        )
    return {int(k): v for k, v in minibatches.items()}
