"""RenderGAN: Sixt, Wild, Landgraf, "Generating Realistic Labeled Data", 2016, arXiv 1611.01331."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, LayerLike, Positive
from kgan.families.gan import GAN
from kgan.networks import rendered
from kgan.priors import Uniform
from kgan.types import Array, SeedLike, Tensor


@keras.saving.register_keras_serializable("kgan")
class RenderGAN(GAN):
    """Labeled pictures from unlabeled ones: a model of the object says what a picture shows, and a GAN learns how it looks.

    A label is bits and a pose. What a fixed, differentiable `model` renders of it goes through four changes that keep it (Eq. 2 to 6):
    blur, lighting, background and detail. How much of each, networks decide from noise and label, and the game of `kgan.GAN` against real
    pictures teaches them, so that every generated picture comes with its label (`labeled`). A network trained on these pairs reads real
    pictures. Give it rounds: of tags in photographs, 32 pixels, 8 filters, such a network reads 0.7 to 0.9 as many bits wrong as one
    trained on the bare model after 500 rounds of 32 pictures, 0.55 after 3,000 with a falling rate. Limits of the changes are kept by
    cuts with a penalty of `clip_weight` times the mean excess (Eq. 7 and 8), which belongs to the generator's loss.

    Args:
        model: from labels `(batch, bits + p)` in [-1, 1], bits first, to `[tag, mask, depth]` (see
            `kgan.networks.rendered.RenderingGenerator`): a layer that renders, such as `kgan.layers.TagRenderer`, or a network trained to
            (`kgan.networks.rendered.emulator`). It is frozen. May be left out with a `generator` of your own, which has it.
        bits: default 12 (the paper's). labels: bits + p, default the model's input where that is known, else bits + 6.
        noise_size: default 50 (the authors'), of the appearance.
        pose_noise: default None: the p numbers are uniform, which the paper advises where their distribution is known. A number (the
            authors' 50): a network predicts them, and learns through the model.
        filters: default 64 (the authors'), width of the default networks.
        clip_weight: default 15 (the authors').
        generator_batch: default 2, simultaneous: default True: one round takes n real pictures, 2n generated ones in the generator's
            loss, n in the discriminator's, and both move at one point (the authors' code, where these n are none of those 2n; here they
            are drawn alike, and may be the first of them).
        **kwargs: of `kgan.GAN`; a `generator` of your own is a `RenderingGenerator`, which decides what `bits`, `noise_size`, `pose_noise`,
            `filters` and `clip_weight` decide of the default one.

    Input of `fit`: real pictures `(batch, size, size, 1)` in [-1, 1], no labels. Output of `generate`: pictures, cut to [-1, 1]; in
    training they may reach to -2 and 2, as in the authors' code.

    Logs: those of `kgan.GAN`, and `generator/regularization`, the penalties of the limits.

    Default optimizers: Adam(4e-4, beta_1 0.5) (the authors' code; the paper has 2e-4), epsilon 1e-8. The authors multiply the rates by 0.25
    at epochs 200, 250 and 300 of 351.

    Departures from the paper: real and generated pictures take two passes through the discriminator, not one (`joint_batch=True` is the
    authors'); lights begin in the middle of their limits, and are the paper's [0.1, 1], where the code allows up to 1.9; amounts of blur
    are the paper's [0, 1], the code's [0.25, 1]. `generate` and `labeled` normalize by moving averages, where the code's batch norm takes
    the batch's statistics there too. Predicted poses (`pose_noise`) are p numbers, none brought to a unit circle. Blurs are as many pixels
    wide as the authors' at any size: on pictures smaller than their 64, details may be as large as a cell. Inputs of the middle: see
    `kgan.networks.rendered.generator`.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.RenderGAN(kgan.layers.TagRenderer(size=16, radii=(5, 6)), noise_size=4, filters=2, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (32, 16, 16, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, verbose=0)
    >>> pictures, bits, pose = model.labeled(3, seed=0)
    >>> pictures.shape, bits.shape, sorted({*bits.ravel().tolist()}), pose.shape
    ((3, 16, 16, 1), (3, 12), [0, 1], (3, 6))
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "data_shape", "latent_size")
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        model: LayerLike | None = None,
        *,
        bits: Count = 12,
        labels: Count | None = None,
        noise_size: Count = 50,
        pose_noise: Count | None = None,
        filters: Count = 64,
        clip_weight: Positive = 15.0,
        generator_batch: Count = 2,
        simultaneous: bool = True,
        **kwargs: Any,
    ) -> None:
        given = kwargs.pop("generator", None)
        if given is not None and not isinstance(given, rendered.RenderingGenerator):
            raise TypeError(
                "`generator` must be a kgan.networks.rendered.RenderingGenerator, whose pictures have labels. Received: "
                f"{type(given).__name__}."
            )
        if given is None:
            shape, numbers = _checked(model, bits, labels)
            given = rendered.generator(model, shape, numbers, bits, noise_size, pose_noise, filters, clip_weight)
        super().__init__(
            given.output_shape[1:],
            generator=given,
            own_networks=lambda shape, latents: {"discriminator": lambda: rendered.discriminator(shape, filters)},
            generator_batch=generator_batch,
            simultaneous=simultaneous,
            **kwargs,
        )
        self.model, self.bits, self.labels = None, given.bits, labels
        self.noise_size, self.pose_noise = noise_size, pose_noise
        self.filters, self.clip_weight = filters, clip_weight

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(4e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        images = super().call(inputs, training=training)
        return images if training else ops.clip(images, -1.0, 1.0)

    def labeled(self, count: Count, seed: SeedLike = None, batch_size: Count = 256) -> tuple[Array, Array, Array]:
        """Pictures with their labels, with averaged weights if the model keeps averages.

        Args:
            count: pictures. seed: the same seed gives the same, those of `generate`; None (default) draws new ones.
            batch_size: default 256, pictures computed at once.

        Returns:
            `(images, bits, pose)`: float32 `(count, size, size, 1)` in [-1, 1]; int64 `(count, bits)` of 0 and 1; float32 `(count, p)`,
            the other numbers of the labels in [-1, 1].
        """
        latents = ops.convert_to_numpy(self.generator_inputs(count, seed=self.generation_noise if seed is None else seed))
        size = int(np.prod(self.data_shape))

        def both(z: Tensor) -> Tensor:
            made = self.generator.render(z)
            images = ops.reshape(ops.clip(made.stages[-1], -1.0, 1.0), (-1, size))
            return ops.concatenate([ops.cast(images, "float32"), ops.cast(made.labels, "float32")], axis=-1)

        found = self.in_inference(both, latents, batch_size=batch_size)
        images, bits, pose = np.split(found, [size, size + self.bits], axis=1)
        return images.reshape(count, *self.data_shape), (bits > 0).astype("int64"), pose


def _checked(model: Any, bits: int, labels: int | None) -> tuple[tuple[int, ...], int]:
    """The shape of the pictures that a model of the object renders, and how many numbers its labels have."""
    if model is None:
        raise ValueError(
            "RenderGAN needs a `model` of the object, from labels to [tag, mask, depth], or a `generator` that has one."
        )
    if getattr(model, "bits", bits) != bits:
        raise ValueError(f"The `model` renders {model.bits} bits, RenderGAN has bits={bits}. Give both the same.")
    known = getattr(model, "input_shape", (None, None))[-1]
    numbers = labels or known or bits + 6
    if numbers < bits:
        raise ValueError(f"Labels of {numbers} numbers cannot hold {bits} bits.")
    try:
        shapes = model.compute_output_shape((None, numbers))
    except (ValueError, TypeError) as error:
        raise ValueError(f"The `model` does not take labels (batch, {numbers}): {str(error).splitlines()[0]}") from error
    made = [tuple(part)[1:] for part in (shapes if isinstance(shapes, list) else [shapes])]
    tag = made[0] if made else ()
    if len(tag) != 3 or made != [tag, tag, (tag[0] // 4, tag[1] // 4, 1)]:
        raise ValueError(
            f"The `model` must turn labels (batch, {numbers}) into [tag, mask, depth], (size, size, 1) twice and (size / 4, size / 4, 1). "
            f"Received one that makes {made}."
        )
    return tag, numbers
