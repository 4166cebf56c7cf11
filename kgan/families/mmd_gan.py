"""MMD GAN: C.-L. Li, Chang, Cheng, Yang, Poczos, NIPS 2017, arXiv 1705.08584."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Bandwidths, Count, Network, NonNegative, Positive, Shape
from kgan.backend import full_precision
from kgan.engine import Move, Terms, Turn
from kgan.families.bases import long_phases
from kgan.families.bases.generative import GenerativeModel, Makers, check_network, given_or_built
from kgan.networks import dcgan, mlp
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class MMDGAN(GenerativeModel):
    """A generator against a learned kernel: Gaussian kernels on the features of an encoder, kept invertible by a decoder.

    With f the encoder, g the decoder and `M = sqrt(M2)` the maximum mean discrepancy of the features of a real and a generated minibatch,
    encoder and decoder minimize, in one move, `encoder_steps` times per round, each time on a fresh minibatch and fresh noise,
    `L_D = -(M + feasible_set_weight R - reconstruction_weight A)`, with `A = mean (x - g(f(x)))^2 + mean (y - g(f(y)))^2` over real
    and generated examples and `R = mean_k min(E f_k(x) - E f_k(y), 0)`. After each step the encoder's weights are clipped to
    `[-clip, clip]`, the decoder's are not. The generator minimizes `M + feasible_set_weight R` once, on a fresh minibatch of both. M falls
    as samples improve; with a linear kernel the game is WGAN by mean features.

    Args:
        data_shape: shape of one example, default (64, 64, 3): images in [-1, 1] of size 4 times a power of two; or `(features,)`,
            for which the networks are multi-layer perceptrons. Taken from `encoder` if that is given.
        filters: default 64 (the authors' code), maps of the DCGAN networks at the largest size.
        code_size: number of the encoder's features, default `latent_size` (the authors'); taken from `encoder` if that is given.
        kernel: a callable as in `kgan.objectives.GaussianKernel`, or the bandwidths sigma of a Gaussian one. Default 1, 2, 4, 8, 16 (the
            authors').
        reconstruction_weight: default 8 (the authors'); 0 leaves the term out.
        feasible_set_weight: default 16 (the authors' code); 0 leaves the term out of both losses, as in Algorithm 1.
        clip: default 0.01 (the authors').
        clip_scope: "all" (default; the authors' code): every parameter of the encoder, batch-norm scales included, so that features stay
            small and bandwidths well above their distances act like one linear kernel. "kernels": matrices and convolution kernels only.
        encoder_steps: default 5 (the authors' n_c).
        warmup: `(iterations, every, steps)` or None, default (25, 500, 100), the authors' code: `steps` encoder moves, rounded up to whole
            rounds, before each of the generator's first `iterations` moves and before every `every`-th one. None: Algorithm 1 as printed.
        generator, encoder, decoder: networks of your own, from latents to examples, from examples to features `(batch, code_size)`, and
            back. Encoder and generator see real and generated examples in separate batches.
        latent_size: default 128 (the authors' for CIFAR-10 and LSUN; theirs for MNIST is 10, for CelebA 64), for points 16.
        prior: default `kgan.priors.Normal()` (the authors').
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: examples `(batch, *data_shape)`, float32, in minibatches of at least 2. Output of `generate`: `(count, *data_shape)`.

    Logs, each with the sign and weight with which it is minimized: `encoder/mmd` (-M), `encoder/reconstruction`, `encoder/feasible_set`,
    `generator/mmd` (M), `generator/feasible_set`. Under several replicas they compare the examples of each replica.

    Raises:
        ValueError: for contradictory arguments, networks of other shapes, or data the networks cannot take.

    Departures from the paper: none from Algorithm 1 but that the generator moves once per round, as in the code, which also has the term
    R. The code clips before a move of the encoder, the algorithm and this class after it. In a long phase a round still takes the minibatch
    of the waiting generator.

    Default optimizers: RMSProp(5e-5) with rho 0.99 and epsilon 1e-16. PyTorch, on which the code relies, adds 1e-8 to the root of the mean
    square; Keras adds epsilon under the root, where 1e-8 acts like 1e-4.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.MMDGAN((2,), clip=0.1, warmup=None, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(768, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> max(float(abs(v.numpy()).max()) for v in model.encoder.trainable_variables) <= 0.1000001
    True
    """

    smallest_batch = 2  # of the estimators of MMD

    def __init__(
        self,
        data_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count = 64,
        code_size: Count | None = None,
        kernel: Bandwidths = (1.0, 2.0, 4.0, 8.0, 16.0),
        reconstruction_weight: NonNegative = 8.0,
        feasible_set_weight: NonNegative = 16.0,
        clip: Positive = 0.01,
        clip_scope: str = "all",
        encoder_steps: Count = 5,
        warmup: Sequence[int] | None = (25, 500, 100),
        generator: Network | None = None,
        encoder: Network | None = None,
        decoder: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if clip_scope not in ("all", "kernels"):
            raise ValueError(f'`clip_scope` must be "all" or "kernels". Received: {clip_scope!r}.')
        latents = latent_size if generator is None else self.latents_of(generator, latent_size)
        codes = code_size if code_size or encoder is None else encoder.output_shape[-1]
        shape, generator, encoder, decoder = given_or_built(
            data_shape if encoder is None else encoder.input_shape[1:],
            {"generator": generator, "encoder": encoder, "decoder": decoder},
            lambda shape: _networks(shape, latents, codes, filters),
        )
        super().__init__(shape, generator=generator, **kwargs)
        self.encoder, self.decoder, self.code_size = encoder, decoder, codes or self.latent_size
        check_network(self.generator, "generator", (self.latent_size,), self.data_shape, "an example")
        check_network(self.encoder, "encoder", self.data_shape, (self.code_size,), "the features")
        check_network(self.decoder, "decoder", (self.code_size,), self.data_shape, "an example")
        self.filters = filters
        self.kernel = objectives.get_kernel(kernel)
        self.reconstruction_weight = reconstruction_weight
        self.feasible_set_weight = feasible_set_weight
        self.clip = clip
        self.clip_scope = clip_scope
        self.encoder_steps = encoder_steps
        self.warmup = long_phases.checked(warmup)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {m: keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16) for m in ("encoder", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        encoder = Move("encoder", ("encoder", "decoder"), self.encoder_loss, {"encoder": self.project})
        generator = Move("generator", ("generator",), self.generator_loss)
        return (
            Turn((encoder,), repeats=self.encoder_steps),
            Turn((generator,), when=self.generator_due),
        )

    def project(self, value: Tensor) -> Tensor:
        """Clips what `clip_scope` names; vectors (biases, scales) are no kernels."""
        inside = len(value.shape) < 2 and self.clip_scope == "kernels"
        return value if inside else ops.clip(value, -self.clip, self.clip)

    @property
    def generator_due(self) -> Callable[[], Tensor] | None:
        """Whether the generator moves in this round; None: in every one."""
        return long_phases.gate(self, self.warmup, self.encoder_steps)

    def encoder_loss(self, real: Any) -> Terms:
        fake = self.generated(ops.shape(real)[0])
        features = [self.encode(x) for x in (real, fake)]
        terms = {key: -value for key, value in self._discrepancy(*features).items()}
        if self.reconstruction_weight:
            errors = [self._reconstruction_error(x, code) for x, code in zip((real, fake), features, strict=True)]
            terms["reconstruction"] = self.reconstruction_weight * sum(errors)
        return terms

    def generator_loss(self, real: Any) -> Terms:
        fake = self.generated(ops.shape(real)[0])
        return self._discrepancy(self.encode(real), self.encode(fake))

    def encode(self, examples: Tensor) -> Tensor:
        """The encoder's features, `(batch, code_size)`."""
        return self.encoder(examples, training=self.in_training)

    def _discrepancy(self, real: Tensor, fake: Tensor) -> Terms:
        terms = {"mmd": objectives.mmd(real, fake, self.kernel)}
        if self.feasible_set_weight:
            terms["feasible_set"] = self.feasible_set_weight * objectives.feasible_set(real, fake)
        return terms

    def _reconstruction_error(self, examples: Tensor, code: Tensor) -> Tensor:
        examples, decoded = full_precision(examples, self.decoder(code, training=self.in_training))
        return ops.mean(ops.square(examples - decoded))


def _networks(shape: Sizes, latent_size: int | None, code_size: int | None, filters: int) -> Makers:
    latents = latent_size or (128 if len(shape) == 3 else 16)
    codes = code_size or latents
    if len(shape) != 3:
        return {
            "generator": lambda: mlp.generator(shape, latents),
            "encoder": lambda: mlp.discriminator(shape, nonlinearity=0.2, name="encoder", outputs=codes),
            "decoder": lambda: mlp.generator(shape, codes, nonlinearity=0.2, name="decoder"),
        }
    # 1e-5 is PyTorch's epsilon of batch norm.
    torch: dict[str, Any] = {"variant": "torch", "epsilon": 1e-5}
    return {
        "generator": lambda: dcgan.generator(shape, latents, filters, **torch),
        "encoder": lambda: dcgan.discriminator(shape, filters, name="encoder", outputs=codes, **torch),
        "decoder": lambda: dcgan.generator(shape, codes, filters, name="decoder", **torch),
    }
