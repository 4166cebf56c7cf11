"""MMD GAN: C.-L. Li, Chang, Cheng, Yang, Poczos, NIPS 2017, arXiv 1705.08584."""

import keras
from keras import ops

from kgan import objectives
from kgan.backend import full_precision
from kgan.engine import Move, Turn
from kgan.families.bases import long_phases
from kgan.families.bases.generative import GenerativeModel, check_network
from kgan.networks import dcgan, mlp


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
        data_shape: tuple, shape of one example, default (64, 64, 3): images in [-1, 1] of size 4 times a power of two; or `(features,)`,
            for which the networks are multi-layer perceptrons. Taken from `encoder` if that is given.
        filters: int, default 64 (the authors' code), maps of the DCGAN networks at the largest size.
        code_size: int, number of the encoder's features, default `latent_size` (the authors'); taken from `encoder` if that is given.
        kernel: a callable as in `kgan.objectives.GaussianKernel`, or the bandwidths sigma of a Gaussian one. Default 1, 2, 4, 8, 16 (the
            authors').
        reconstruction_weight: float >= 0, default 8 (the authors'); 0 leaves the term out.
        feasible_set_weight: float >= 0, default 16 (the authors' code); 0 leaves the term out of both losses, as in Algorithm 1.
        clip: float > 0, default 0.01 (the authors').
        clip_scope: "all" (default; the authors' code): every parameter of the encoder, batch-norm scales included, so that features stay
            small and bandwidths well above their distances act like one linear kernel. "kernels": matrices and convolution kernels only.
        encoder_steps: int >= 1, default 5 (the authors' n_c).
        warmup: `(iterations, every, steps)` or None, default (25, 500, 100), the authors' code: `steps` encoder moves, rounded up to whole
            rounds, before each of the generator's first `iterations` moves and before every `every`-th one. None: Algorithm 1 as printed.
        generator, encoder, decoder: networks of your own, from latents to examples, from examples to features `(batch, code_size)`, and
            back. Encoder and generator see real and generated examples in separate batches.
        latent_size: int, default 128 (the authors' for CIFAR-10 and LSUN; theirs for MNIST is 10, for CelebA 64), for points 16.
        prior: default `kgan.priors.Normal()` (the authors').
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: examples `(batch, *data_shape)`, float32, in minibatches of at least 2. Output of `generate`: `(count, *data_shape)`.

    Logs, each with the sign and weight with which it is minimized: `encoder/mmd` (-M), `encoder/reconstruction`, `encoder/feasible_set`,
    `generator/mmd` (M), `generator/feasible_set`. Under several replicas they compare the examples of each replica.

    Raises:
        ValueError: for contradictory arguments, networks of other shapes, or data the networks cannot take.

    Departures from the paper: none from Algorithm 1 but that the generator moves once per round, as in the code, which also has the term
    R. The code clips before a move of the encoder, the algorithm and this class after it. The default optimizer is RMSProp(5e-5) with rho
    0.99 and epsilon 1e-8, PyTorch's values; Keras adds epsilon inside the root, PyTorch outside. In a long phase a round still takes the
    minibatch of the waiting generator.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.MMDGAN((2,), clip=0.1, warmup=None, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(768, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> max(float(abs(v.numpy()).max()) for v in model.encoder.trainable_variables) <= 0.1000001
    True
    """

    def __init__(
        self,
        data_shape=(64, 64, 3),
        *,
        filters=64,
        code_size=None,
        kernel=(1.0, 2.0, 4.0, 8.0, 16.0),
        reconstruction_weight=8.0,
        feasible_set_weight=16.0,
        clip=0.01,
        clip_scope="all",
        encoder_steps=5,
        warmup=(25, 500, 100),
        generator=None,
        encoder=None,
        decoder=None,
        latent_size=None,
        prior=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        if clip_scope not in ("all", "kernels"):
            raise ValueError(f'`clip_scope` must be "all" or "kernels". Received: {clip_scope!r}.')
        shape = tuple(data_shape if encoder is None else encoder.input_shape[1:])
        if latent_size is None:
            latent_size = generator.input_shape[-1] if generator is not None else 128 if len(shape) == 3 else 16
        if code_size is None:
            code_size = latent_size if encoder is None else encoder.output_shape[-1]
        build = _convolutional if len(shape) == 3 else _dense
        generator = generator or build("generator", shape, latent_size, filters)
        super().__init__(shape, generator, latent_size, prior, seed=seed, name=name, dtype=dtype)
        self.encoder = encoder or build("encoder", shape, code_size, filters)
        self.decoder = decoder or build("decoder", shape, code_size, filters)
        check_network(self.generator, "generator", (self.latent_size,), self.data_shape, "an example")
        check_network(self.encoder, "encoder", self.data_shape, (code_size,), "the features")
        check_network(self.decoder, "decoder", (code_size,), self.data_shape, "an example")
        self.filters = filters
        self.code_size = code_size
        self.kernel = objectives.get_kernel(kernel)
        self.reconstruction_weight = reconstruction_weight
        self.feasible_set_weight = feasible_set_weight
        self.clip = clip
        self.clip_scope = clip_scope
        self.encoder_steps = encoder_steps
        self.warmup = long_phases.checked(warmup)

    def default_optimizers(self):
        return {m: keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-8) for m in ("encoder", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self):
        encoder = Move("encoder", ("encoder", "decoder"), self.encoder_loss, {"encoder": self.project})
        generator = Move("generator", ("generator",), self.generator_loss)
        return (
            Turn((encoder,), repeats=self.encoder_steps),
            Turn((generator,), when=self.generator_due if self.warmup else None),
        )

    def project(self, value):
        """Clips what `clip_scope` names; vectors (biases, scales) are no kernels."""
        inside = len(value.shape) < 2 and self.clip_scope == "kernels"
        return value if inside else ops.clip(value, -self.clip, self.clip)

    def generator_due(self):
        return long_phases.generator_due(self.optimizer.iterations, self.warmup, self.encoder_steps)

    def encoder_loss(self, real):
        fake = self.generated(ops.shape(real)[0])
        features = [self.encode(x) for x in (real, fake)]
        terms = {key: -value for key, value in self._discrepancy(*features).items()}
        if self.reconstruction_weight:
            errors = [self._reconstruction_error(x, code) for x, code in zip((real, fake), features, strict=True)]
            terms["reconstruction"] = self.reconstruction_weight * sum(errors)
        return terms

    def generator_loss(self, real):
        fake = self.generated(ops.shape(real)[0])
        return self._discrepancy(self.encode(real), self.encode(fake))

    def encode(self, examples):
        """The encoder's features, `(batch, code_size)`."""
        return self.encoder(examples, training=self.in_training)

    def _discrepancy(self, real, fake):
        terms = {"mmd": objectives.mmd(real, fake, self.kernel)}
        if self.feasible_set_weight:
            terms["feasible_set"] = self.feasible_set_weight * objectives.feasible_set(real, fake)
        return terms

    def _reconstruction_error(self, examples, code):
        examples, decoded = full_precision(examples, self.decoder(code, training=self.in_training))
        return ops.mean(ops.square(examples - decoded))


def _dense(role, shape, size, filters):
    if role == "encoder":
        return mlp.discriminator(shape, nonlinearity=0.2, name=role, outputs=size)
    return mlp.generator(shape, size, nonlinearity="relu" if role == "generator" else 0.2, name=role)


def _convolutional(role, shape, size, filters):
    # 1e-5 is PyTorch's epsilon of batch norm.
    if role == "encoder":
        return dcgan.discriminator(shape, filters, variant="torch", epsilon=1e-5, name=role, outputs=size)
    return dcgan.generator(shape, size, filters, variant="torch", epsilon=1e-5, name=role)
