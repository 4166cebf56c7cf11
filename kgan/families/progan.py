"""Progressive growing of GANs: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kgan import backend
from kgan.arguments import COUNT, Classes, Count, Level, Positive, Shape, as_int, shown
from kgan.callbacks import fit_in_parts
from kgan.conditioning import AuxiliaryClassifier, Joined
from kgan.engine import Rule, Terms
from kgan.families.bases.conditional import names_of
from kgan.families.gan import GAN
from kgan.networks.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    check_progressive_shape,
    downsample,
    upsample,
)
from kgan.penalties import Drift, GradientPenalty, Scored
from kgan.types import Array, Nest, Sizes, Tensor

_MINIBATCHES = {256: 14, 512: 6, 1024: 3}
_PAPERS_IMAGES = 800_000


class _RelativePenalty(GradientPenalty):
    """The gradient penalty in units of its target."""

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        return super().__call__(model, scored) / self.target**2


@keras.saving.register_keras_serializable("kgan")
class ProGAN(GAN):
    """Two networks that start at 4x4 pixels and double their resolution phase by phase, each new block being faded in.

    Made for large pictures and long trainings: the paper shows 800,000 images in every phase, and by its schedule there are 512 maps at
    all small resolutions, so that both default networks together have 22 million weights already at 8 pixels; `max_maps` makes fewer. At
    8 pixels growing costs more than it brings. A fit needs an epoch at the least for each of its phases.

    The phases: train at `start_resolution`; then for each doubling one phase that fades the new blocks of both networks, and the detail of
    the real images, from weight 0 to 1, and one phase that trains on. A phase lasts until the discriminator has seen `images_per_phase`
    real images. The optimizers' moments are reset at every phase. `L_D = E D(G(z)) - E D(x) + GP + drift E D(x)^2` with
    `GP = penalty_weight E (||grad D(x^)|| - gamma)^2 / gamma^2`; `L_G = -E D(G(z))`.

    With `classes` (the authors' code): the class beside the latent, and a classifier beside the discriminator's value, whose cross-entropy
    both players minimize with weight 1, on real and generated images; `conditioning=kgan.conditioning.AuxiliaryClassifier(...)` for others.

    `fit` trains on from where the model stands and grows it when a phase ends, at the end of an epoch. `generate` draws at the present
    resolution, with the average of the generator's weights (0.999 per round) that `compile` keeps by default.

    Args:
        image_shape: `(size, size, channels)`, default (1024, 1024, 3) (CelebA-HQ): the last resolution, a power of two.
        start_resolution: default 4 (the paper's), a power of two up to size.
        images_per_phase: default None: what the first `fit` makes of its data, an even share of all its epochs for every phase, so that
            it ends at the last resolution; but no more than the paper's 800,000, which also holds where the data do not tell their
            number. A number stays as it is given.
        minibatches: dict of resolution to `batch_size`, for arrays; default {256: 14, 512: 6, 1024: 3} (the paper's), 16 or `fit`'s
            `batch_size` elsewhere.
        base_maps: default 8192; max_maps: default 512 (the paper's): there are `min(2 * base_maps / resolution, max_maps)`
            feature maps.
        penalty_weight: default 10.0. gamma: default 1.0 (750 for CIFAR-10). drift: default 0.001 (the paper's).
        group_size: default None: the whole minibatch (the paper), of the minibatch standard deviation; 4 in the later code.
        classes: default None; see `kgan.GAN`.
        generator, discriminator: networks of your own with the call arguments of `kgan.networks.progressive`.
        latent_size: default 512 (the paper's).
        **kwargs: of `kgan.GAN`; `penalties` come on top of these two.

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

    fixed_arguments = (*GAN.fixed_arguments, "data_shape", "objective", "joint_batch")
    default_latent_size = 512

    def __init__(
        self,
        image_shape: Shape | None = (1024, 1024, 3),
        *,
        start_resolution: Count = 4,
        images_per_phase: Count | None = None,
        minibatches: Mapping[Any, int] | None = None,
        base_maps: Count = 8192,
        max_maps: Count = 512,
        penalty_weight: Level = 10.0,
        gamma: Positive = 1.0,
        drift: Level = 0.001,
        group_size: Count | None = None,
        classes: Classes | None = None,
        **kwargs: Any,
    ) -> None:
        count = len(names_of(classes)) or None
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: {
                "generator": lambda: ProgressiveGenerator(shape, latents, base_maps, max_maps, count),
                "discriminator": lambda: ProgressiveDiscriminator(shape, base_maps, max_maps, group_size, count),
            },
            own_conditioning=lambda shape: (Joined(), AuxiliaryClassifier()),
            classes=classes,
            own_penalties=[_RelativePenalty(penalty_weight, gamma), Drift(drift)],
            objective="wasserstein",
            **kwargs,
        )
        size = check_progressive_shape(self.data_shape)[0]
        resolutions = [4 * 2**k for k in range((size // 4).bit_length())]
        if start_resolution not in resolutions:
            raise ValueError(f"`start_resolution` must be one of {resolutions}. Received: {start_resolution!r}.")
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
        # As weights, so that every kind of file holds them: the phase, the real images seen in it, and how many it takes.
        self._stored_phase = self.add_weight((), "zeros", "int32", trainable=False, name="phase")
        self._shown = self.add_weight((), "zeros", "int32", trainable=False, name="shown")
        length = keras.initializers.Constant(_PAPERS_IMAGES if images_per_phase is None else images_per_phase)
        self._phase_length = self.add_weight((), length, "int32", trainable=False, name="phase_length")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-3, 0.0, 0.99, 1e-8) for move in ("discriminator", "generator")}

    def compile(
        self,
        optimizers: Mapping[str, Any] | None = None,
        metrics: Sequence[Any] | None = None,
        averages: Mapping[str, float] | None = None,
        rule: Rule | None = None,
        **kwargs: Any,
    ) -> None:
        if averages is None and not self._averages.decays():
            averages = {"generator": 0.999}
        super().compile(optimizers, metrics, averages, rule, **kwargs)

    # Phases ----------------------------------------------------------------------------------------------------------

    @property
    def resolution(self) -> int:
        """Pixels of the present phase."""
        return self.start_resolution * 2 ** ((self.phase + 1) // 2)

    @property
    def fading(self) -> bool:
        """Whether the present phase fades a block in."""
        return self.phase % 2 == 1

    @property
    def alpha(self) -> Tensor | None:
        """Weight of the newest blocks, a scalar tensor; None where they are not being faded."""
        if not self.fading:
            return None
        shown, length = (ops.cast(ops.convert_to_tensor(v), "float32") for v in (self._shown, self._phase_length))
        return ops.minimum(shown / length, 1.0)

    def grow_to(self, phase: int) -> None:
        """Start a phase: 0 trains at `start_resolution`, odd ones fade the next resolution in, even ones train on at it.

        Resets the optimizers' moments and the count of images.
        """
        phase = as_int(phase)
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

    def _enter(self, phase: int) -> None:
        if phase != self.phase:
            # Which blocks run is decided while a step is traced.
            self.train_function = self.test_function = self.predict_function = None
        self.phase = phase

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        self._enter(int(ops.convert_to_numpy(self._stored_phase)))

    def set_weights(self, weights: Sequence[Array]) -> None:
        super().set_weights(weights)
        self._enter(int(ops.convert_to_numpy(self._stored_phase)))

    @property
    def phase_length(self) -> int:
        """Real images that a phase takes."""
        return int(ops.convert_to_numpy(self._phase_length))

    @property
    def phase_complete(self) -> bool:
        """Whether the present phase has seen its images."""
        return int(ops.convert_to_numpy(self._shown)) >= self.phase_length

    @property
    def part_complete(self) -> bool:
        """Whether the next phase is due."""
        return self.phase_complete and self.phase + 1 < self.num_phases

    # The game, at the present resolution -----------------------------------------------------------------------------

    def unpack(self, data: Any) -> Nest:
        batch = super().unpack(data)
        images, labels = batch if self.conditional else (batch, None)
        shape = tuple(getattr(images, "shape", ()))[1:]
        present = (self.resolution, self.resolution, self.image_shape[-1])
        if shape not in (present, tuple(self.image_shape)):
            raise ValueError(
                f"Images must have the shape {tuple(self.image_shape)}, or {present} in the present phase. Received: {shape} per example."
            )
        images = downsample(ops.convert_to_tensor(images), shape[0] // self.resolution) if shape != present else images
        return (images, labels) if self.conditional else images

    def blend(self, real: Tensor) -> Tensor:
        """Real images with as much detail as the networks' newest blocks count for."""
        alpha = self.alpha
        if alpha is None:
            return real
        alpha = ops.cast(alpha, real.dtype)
        return alpha * real + (1.0 - alpha) * upsample(downsample(real))

    def discriminator_loss(self, batch: Any) -> Terms:
        real, labels = self.parted(batch)
        terms = super().discriminator_loss((self.blend(real), *labels) if self.conditional else self.blend(real))
        if self.in_training:
            self._shown.assign_add(ops.cast(ops.shape(real)[0] * backend.replica_count(), "int32"))
        return terms

    def generated(self, count: Any, labels: Tensor = None) -> Tensor:
        inputs = self.training_inputs(count, labels)
        return self.generator(inputs, resolution=self.resolution, alpha=self.alpha, training=self.in_training)

    def judged(self, examples: Any, labels: Tensor = None) -> Any:
        seen = self._seen(examples, labels)
        return self.discriminator(seen, resolution=self.resolution, alpha=self.alpha, training=self.in_training)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            return self.generator(inputs, resolution=self.resolution, alpha=self.alpha, training=training)

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        batch = keras.tree.map_structure(ops.convert_to_numpy, batch)
        super().check_data(batch, shape or (self.resolution, self.resolution, self.image_shape[-1]))

    # Training --------------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: Any = "auto",
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `kgan.AdversarialModel.fit`; grows the model at the end of the epoch in which a phase is complete.

        Args:
            x: as there, or a callable `(resolution, batch_size) -> x`.
            batch_size: default 16 (the paper's up to 128 pixels), for resolutions that `minibatches` does not name.
            others: as there.
        """
        begun = self.phase or int(ops.convert_to_numpy(self._shown))
        if self.images_per_phase is None and not begun and not callable(x):
            self._share_out(x, batch_size, epochs - initial_epoch)

        def part(callbacks: Sequence[keras.callbacks.Callback], start: int) -> None:
            if self.part_complete and not self.within_epoch:
                self.grow_to(self.phase + 1)
            size = self.minibatches.get(self.resolution, batch_size or 16)
            data = x(self.resolution, size) if callable(x) else x
            super(ProGAN, self).fit(
                data, y, batch_size=size if hasattr(data, "shape") else None, epochs=epochs, initial_epoch=start,
                callbacks=callbacks, verbose=verbose, **kwargs,
            )  # fmt: skip

        return fit_in_parts(self, part, epochs=epochs, initial_epoch=initial_epoch, callbacks=callbacks, verbose=verbose)

    def _share_out(self, x: Any, batch_size: int | None, epochs: int) -> None:
        """Give every phase an even share of the epochs of a first `fit`, where the data tell how long these are."""
        size = self.minibatches.get(self.resolution, batch_size or 16)
        if hasattr(x, "shape"):
            images = len(x) // size * size
        elif hasattr(x, "cardinality") and int(x.cardinality()) > 0:
            images = int(x.cardinality()) * len(keras.tree.flatten(next(iter(x)))[0])
        else:
            return
        if epochs < self.num_phases:
            warnings.warn(
                f"This fit ends before the last resolution: growing from {self.start_resolution} to {self.image_shape[0]} pixels takes "
                f"{self.num_phases} phases, of one epoch at least, and it has {epochs} epochs. Give it more, or call fit again.",
                stacklevel=3,
            )
        share = max(1, epochs // self.num_phases) * max(1, images)
        self._phase_length.assign(min(_PAPERS_IMAGES, share))


def _by_resolution(minibatches: Any) -> dict[int, int]:
    """Minibatch sizes by resolution; keys are text in a saved configuration."""
    if not isinstance(minibatches, dict) or not all(str(k).isdigit() and COUNT.accepts(v) for k, v in minibatches.items()):
        raise TypeError(
            f"`minibatches` must be a dict of resolution to minibatch size, as {{4: 16}}. Received: {shown(minibatches)}."
        )
    return {int(k): v for k, v in minibatches.items()}
