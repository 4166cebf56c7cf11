"""Generative moment matching networks: Li, Swersky, Zemel, ICML 2015, arXiv 1502.02761."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Bandwidths, Count, Network, Positive, Shape
from kgan.engine import Move, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, check_network, given_or_built
from kgan.networks import mlp
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor

SQUARED_BANDWIDTHS = (2, 5, 10, 20, 40, 80)


@keras.saving.register_keras_serializable("kgan")
class GMMN(GenerativeModel):
    """A generator alone: it minimizes the maximum mean discrepancy between its samples and the data, under a fixed kernel.

    There is no second player and no game: `L = sqrt(M2)` of a minibatch of data and one of samples (section 3), where M2 is the biased
    estimate `mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` with a sum of Gaussian kernels. The estimate needs large minibatches; the
    paper's have 1000 examples.

    GMMN+AE (section 4) matches the codes of a trained autoencoder instead of pixels: with `encoder` and `decoder`, both held fixed, the
    generator makes codes, the loss compares them with the encoder's codes of the data, and `generate` decodes.

    Args:
        data_shape: shape of one example: `(features,)`, or `(height, width, channels)` for images in [-1, 1].
        kernel: a callable as in `kgan.objectives.GaussianKernel`, or the bandwidths sigma of a Gaussian one. Default: the roots of 2, 5,
            10, 20, 40, 80 (the authors' code), doubled for images, since [-1, 1] is twice as wide as the authors' [0, 1].
        squared: default False: minimize the root of M2 (the authors' better choice). True: M2 itself.
        loss_weight: default 1.0, factor of the loss (the authors' code has 1000, for plain descent).
        encoder, decoder: built networks from examples to codes `(batch, code_size)` and back, both or neither.
        generator: network of your own, from latents to examples, or to codes. Default: layers of 64, 256, 256 and 1024 ReLU (the paper's)
            for images and codes, with tanh output for images; for points two of 128.
        latent_size: default 10 (the paper's).
        prior: default `kgan.priors.Uniform()` (the paper's, on [-1, 1]).
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: examples `(batch, *data_shape)`, float32, in minibatches of at least 2. Output of `generate`: `(count, *data_shape)`.

    Logs: `generator/mmd`, the weighted loss. Under several replicas it compares the examples of each replica.

    Raises:
        ValueError: for bandwidths that are not positive, networks of other shapes, or data the networks cannot take.

    Departures from the paper: RMSProp(1e-3), rho 0.99 and epsilon 1e-16 (what PyTorch's 1e-8 is where Keras puts it, under the root),
    instead of SGD with rate 2, momentum 0.9 and a loss times 1000, whose rate is cut by hand;
    `compile(optimizers={"generator": keras.optimizers.SGD(2.0, momentum=0.9)})` with `loss_weight=1000.0` is the authors' setting.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GMMN((2,), kernel=(0.2, 0.5, 1.0, 2.0), seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, epochs=1, verbose=0)
    >>> model.generate(5, seed=1).shape
    (5, 2)
    """

    smallest_batch = 2  # of the estimators of MMD

    default_latent_size = 10
    default_prior = Uniform()

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        kernel: Bandwidths | None = None,
        squared: bool = False,
        loss_weight: Positive = 1.0,
        encoder: Network | None = None,
        decoder: Network | None = None,
        generator: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if (encoder is None) != (decoder is None):
            raise ValueError("An autoencoder is both an `encoder` and a `decoder`. Received only one of them.")
        latents = self.latents_of(generator, latent_size)
        made, generator = given_or_built(
            data_shape if encoder is None else encoder.output_shape[1:],
            {"generator": generator},
            lambda made: {"generator": lambda: _generator(made, latents, plain=encoder is None)},
        )
        super().__init__(made if encoder is None else encoder.input_shape[1:], generator=generator, **kwargs)
        check_network(self.generator, "generator", (self.latent_size,), made, "an example" if encoder is None else "a code")
        if encoder is not None:
            check_network(encoder, "encoder", self.data_shape, (made[0],), "a code")
            check_network(decoder, "decoder", made, self.data_shape, "an example")
        if kernel is None:
            kernel = [(2 if len(self.data_shape) == 3 and encoder is None else 1) * s**0.5 for s in SQUARED_BANDWIDTHS]
        self.kernel = objectives.get_kernel(kernel)
        self.squared = squared
        self.loss_weight = loss_weight
        self.encoder = encoder
        self.decoder = decoder

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"generator": keras.optimizers.RMSprop(1e-3, rho=0.99, epsilon=1e-16)}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((Move("generator", ("generator",), self.generator_loss),)),)

    def generator_loss(self, real: Any) -> Terms:
        fake = self.generated(ops.shape(real)[0])
        if self.encoder is not None:
            real = ops.stop_gradient(self.encoder(real, training=False))
        distance = objectives.biased_mmd2 if self.squared else objectives.mmd
        return {"mmd": self.loss_weight * distance(_flat(real), _flat(fake), self.kernel)}

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        made = super().call(inputs, training)
        return made if self.decoder is None else self.decoder(made, training=False)


def _flat(examples: Tensor) -> Tensor:
    return ops.reshape(examples, (ops.shape(examples)[0], -1))


def _generator(made: Sizes, latents: int, plain: bool) -> keras.Model:
    if len(made) == 1 and plain:
        return mlp.generator(made, latents)
    return mlp.generator(made, latents, (64, 256, 256, 1024), output_activation="tanh" if len(made) == 3 else None)
