"""What games with an encoder of their examples share: codes, reconstructions, the statistics of both networks."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.backend import full_precision
from kgan.families.gan import GAN
from kgan.layers import estimate_statistics
from kgan.penalties import tangent_directions
from kgan.types import Array, SeedLike, Tensor


class Encoding(GAN):
    """Put first among the bases. An encoder of examples into latents of the generator.

    The family calls `set_encoder` in its constructor.
    """

    encoder: keras.Model
    extra_noise: int
    """How many coordinates of a latent, the last ones, are noise for the generator alone and no part of a code."""
    code_size: int
    tangents: int | None = None
    """How many tangents `tangents_at` returns where it is not asked for a number; None: ten, or `code_size` where that is less."""

    def set_encoder(self, encoder: keras.Model, extra_noise: int = 0) -> None:
        """Keep an encoder, and refuse one whose examples or codes are not the generator's."""
        if extra_noise >= self.latent_size:
            raise ValueError(f"`extra_noise` must be an integer in [0, latent_size). Received: {extra_noise!r}.")
        self.encoder = encoder
        self.extra_noise = extra_noise
        self.code_size = self.latent_size - extra_noise
        made = tuple(encoder.output_shape[1:])
        if made != (self.code_outputs(),):
            raise ValueError(
                f"The encoder must return {self.code_outputs()} numbers per example for codes of {self.code_size}. Received: {made}."
            )
        taken = encoder.inputs[0].shape[1:]
        if tuple(taken) != self.data_shape:
            raise ValueError(f"The encoder takes examples of shape {tuple(taken)}, the data have {self.data_shape}.")

    @property
    def noise_size(self) -> int:
        """Length of the noise that makes codes random; a family with stochastic codes has some."""
        return 0

    def code_outputs(self) -> int:
        """How many numbers the encoder returns for an example."""
        return self.code_size

    def code(self, examples: Tensor, noise: Tensor, training: bool) -> Tensor:
        """The codes of examples. `noise` is standard normal `(batch, noise_size)`; an encoder that is a function has none."""
        return self.encoder(examples, training=training)

    def draw_noise(self, count: Any, seed: SeedLike) -> Tensor | None:
        """What makes codes random, `(count, noise_size)`; None where they are not."""
        return keras.random.normal((count, self.noise_size), dtype="float32", seed=seed) if self.noise_size else None

    def encode(self, examples: Array, seed: SeedLike = None, batch_size: int = 256) -> Array:
        """Codes of examples, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *data_shape)`.
            seed: where codes are random: a draw with this seed; None (default): the code at noise 0.
            batch_size: examples computed at once.

        Returns:
            NumPy array `(count, latent_size - extra_noise)`.
        """
        return self.in_inference(*self._encoding(examples, seed), batch_size=batch_size)

    def reconstruct(self, examples: Array, seed: SeedLike = None, batch_size: int = 256) -> Array:
        """`G(E(x))`; arguments as in `encode`, `extra_noise` at 0. Semantic rather than exact where no loss asks for it."""
        code, *arrays = self._encoding(examples, seed)

        return self.in_inference(lambda *parts: self._decoded(code(*parts)), *arrays, batch_size=batch_size)

    def tangents_at(self, examples: Array, count: int | None = None, batch_size: int = 64) -> Array:
        """Orthonormal directions in which the generator moves examples most, at their codes: tangents of the manifold it makes.

        As `kgan.penalties.tangent_directions`, at noise 0 where codes are random; in inference mode and with averaged weights if the model
        keeps averages.

        Args:
            examples: array `(count, *data_shape)`.
            count: 1 to `code_size`; default: 10, or what there are.
            batch_size: examples computed at once.

        Returns:
            NumPy array `(examples, count, *data_shape)`, the direction of the largest motion first, of length 1 each; 0 where the generator
            moves an example in fewer directions.
        """
        code, *arrays = self._encoding(examples, None)
        return self.in_inference(lambda *parts: self.tangents_of(code(*parts), count), *arrays, batch_size=batch_size)

    def tangents_of(self, codes: Tensor, count: int | None = None) -> Tensor:
        """The same of codes, tensors, with the present weights."""
        return tangent_directions(self._decoded, codes, count or self.tangents or min(10, self.code_size))

    def _decoded(self, codes: Tensor) -> Tensor:
        """What the generator makes of codes, its own noise at 0."""
        return self.generator(ops.pad(full_precision(codes), ((0, 0), (0, self.extra_noise))), training=False)

    def _encoding(self, examples: Array, seed: SeedLike) -> tuple[Callable[..., Tensor], Array, Array]:
        examples = np.asarray(examples)
        GAN.check_data(self, examples)
        noise = np.zeros((len(examples), self.noise_size), "float32")
        if seed is not None and self.noise_size:
            noise = ops.convert_to_numpy(self.draw_noise(len(examples), seed))
        return (lambda x, e: self.code(x, e, training=False)), examples, noise

    def estimate_statistics(self, examples: Array, passes: int = 100, batch_size: int = 128) -> None:
        """Estimate the batch-norm statistics of encoder and generator anew, see `kgan.layers.estimate_statistics`.

        Args:
            examples: array `(count, *data_shape)`. passes: minibatches, default 100 (BiGAN's authors: 1000). batch_size: of one.
        """
        rng, seed = np.random.default_rng(self.seed), self.generation_noise
        chosen = (examples[rng.integers(len(examples), size=batch_size)] for _ in range(passes))
        estimate_statistics(self.encoder, chosen, lambda x: self.code(x, self.draw_noise(batch_size, seed), training=True))
        estimate_statistics(self.generator, (self.generator_inputs(batch_size, seed=seed) for _ in range(passes)))
