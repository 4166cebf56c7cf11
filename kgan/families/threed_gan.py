"""3D-GAN: Wu, Zhang, Xue, Freeman, Tenenbaum, NIPS 2016, arXiv 1610.07584."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Count, Network, NonNegative, Positive, Shape
from kgan.engine import Observation, Terms, Turn
from kgan.families.bases.generative import given_or_built
from kgan.families.gan import GAN, count_of
from kgan.networks import volumetric, with_features
from kgan.penalties import Scored
from kgan.priors import Uniform
from kgan.types import Array, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ThreeDGAN(GAN):
    """The game of `kgan.GAN` between volumetric networks, in which the discriminator moves only while it is not too sure of itself.

    Shapes are occupancies on a cube of cells. The losses are those of Eq. 1, `L_D = E sp(-l(x)) + E sp(l(G(z)))` and, non-saturating,
    `L_G = E sp(-l(G(z)))`. The discriminator moves in a round only if its accuracy in the last one,
    `(#{l(x) > 0} + #{l(G(z)) < 0}) / 2B`, was not above 80 %: a discriminator learns the structure of a cube of voxels faster than a
    generator does, and would leave it without a gradient. The generator moves in every round.

    The accuracy is a state of the model, 0 at first. A discriminator that moves measures it on the minibatch and the fakes of its move,
    before the step. In a round in which it rests, the generator's move does, on the round's minibatch and its own fakes, so that a shut
    gate opens again. Batch norm is in training mode both times.

    Args:
        voxel_shape: `(size, size, size, channels)`, default (64, 64, 64, 1) (the paper's); size = `base` times a power of two.
        filters: default 64 (the paper's): maps next to the voxels, doubled at every halving; see `kgan.networks.volumetric`.
        base: default 4 (the paper's), size of the smallest maps.
        epsilon: default 1e-5, of batch norm; narrow networks want 1e-3.
        accuracy_gate: in [0, 1], default 0.8 (the paper's). 1.0: the discriminator moves in every round.
        generator, discriminator: networks of your own; occupancies in [0, 1], logits.
        latent_size: default 200 (the paper's). prior: default `Uniform(0, 1)` (the authors' code).
        **kwargs: of `kgan.GAN`. `objective="minimax"` is the generator's loss as the paper prints it, `E log(1 - D(G(z)))`.

    Input of `fit`: occupancies `(batch, *voxel_shape)` in [0, 1], float, integer or bool; int8 takes a quarter of the memory. Output of
    `generate`: float32 in [0, 1].

    Logs: as `kgan.GAN`, and `generator/accuracy`, that of the discriminator in this round, which decides the next. The figures of the
    discriminator's move are of the rounds it moved in.

    Default optimizers: Adam(0.0025, beta_1 0.5) for the generator, Adam(1e-5, beta_1 0.5) for the discriminator, in minibatches of 100
    (the paper's, for 64^3 at full width). Small cubes and narrow networks need about 2.5e-4 for the discriminator, else it learns nothing.

    Raises:
        ValueError: for what is no cube of such a size, `simultaneous`, or data outside [0, 1].

    Departures from the paper: the generator's loss does not saturate, as in the ports that were made to work; on which batch the accuracy
    is measured the paper does not say.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.ThreeDGAN((8, 8, 8, 1), filters=4, latent_size=5, seed=0)
    >>> model.compile()
    >>> shapes, labels = kgan.shapes.solids(32, size=8, seed=0)
    >>> history = model.fit(shapes, batch_size=16, verbose=0)
    >>> model.generate(2, seed=0).shape, model.features(shapes).shape
    ((2, 8, 8, 8, 1), (32, 32))
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "data_shape")

    default_latent_size = 200
    default_prior: ClassVar[Callable[..., Any]] = Uniform(0.0, 1.0)

    def __init__(
        self,
        voxel_shape: Shape | None = (64, 64, 64, 1),
        *,
        filters: Count = 64,
        base: Count = 4,
        epsilon: Positive = 1e-5,
        accuracy_gate: NonNegative = 0.8,
        generator: Network | None = None,
        discriminator: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("simultaneous"):
            raise ValueError("The discriminator of 3D-GAN moves before the generator, or not at all; leave `simultaneous` out.")
        if accuracy_gate > 1.0:
            raise ValueError(f"`accuracy_gate` must lie in [0, 1]. Received: {accuracy_gate!r}.")
        sizes: dict[str, Any] = {"filters": filters, "base": base, "epsilon": epsilon}
        latents = self.latents_of(generator, latent_size)
        shape, generator, discriminator = given_or_built(
            voxel_shape,
            {"generator": generator, "discriminator": discriminator},
            lambda shape: {
                "generator": lambda: volumetric.generator(shape, latents, **sizes),
                "discriminator": lambda: volumetric.discriminator(shape, **sizes),
            },
        )
        super().__init__(shape, generator=generator, discriminator=discriminator, **kwargs)
        if len(self.data_shape) != 4 or len(set(self.data_shape[:3])) != 1:
            raise ValueError(f"Shapes must be cubes (size, size, size, channels). Received: {self.data_shape}.")
        self.voxel_shape = self.data_shape
        self.filters, self.base, self.epsilon = filters, base, epsilon
        self.accuracy_gate = accuracy_gate
        self._accuracy = self.add_weight((), "zeros", "float32", trainable=False, name="accuracy")
        self._measured = self.add_weight((), "zeros", "float32", trainable=False, name="measured_in_this_round")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"discriminator": 1e-5, "generator": 0.0025}
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move, rate in rates.items()}

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        check_occupancies(batch, shape or self.data_shape)

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator, generator = super().turns()
        return discriminator._replace(when=self.discriminator_due), generator

    def discriminator_due(self) -> Tensor:
        """Whether the discriminator moves: its last accuracy was not above the gate."""
        return ops.convert_to_tensor(self._accuracy) <= self.accuracy_gate

    def discriminator_terms(self, scored: Scored) -> Terms:
        self._accuracy.assign(backend.mean_over_replicas(_accuracy(scored.real_logits, scored.fake_logits)))
        self._measured.assign(1.0)
        return super().discriminator_terms(scored)

    def score(self, examples: Any, labels: Tensor = None) -> Any:
        return super().score(ops.cast(examples, "float32"), labels)

    def generator_loss(self, real: Any) -> Terms:
        logits = self.score(self.generated(count_of(real) * self.generator_batch))
        # Where the discriminator has moved in this round, it has measured itself before it did.
        moved = ops.convert_to_tensor(self._measured) > 0
        accuracy = backend.mean_over_replicas(
            backend.conditional(moved, lambda: backend.snapshot(self._accuracy), lambda: self._measure(real, logits))
        )
        self._accuracy.assign(accuracy)
        self._measured.assign(0.0)
        return {"adversarial": self.objective.generator(logits), "accuracy": Observation(accuracy)}

    def _measure(self, real: Tensor, fake_logits: Tensor) -> Tensor:
        """The accuracy on real examples and on generated ones that have been judged; leaves no trace in the discriminator's state."""
        with backend.Overlay(moving=frozenset()):
            return _accuracy(self.score(real), fake_logits)

    # Features --------------------------------------------------------------------------------------------------------

    def features(self, shapes: Array, layers: Sequence[str] | None = None, cells: int = 2, batch_size: int = 64) -> Array:
        """The discriminator's responses to shapes, for a linear classifier: a descriptor learned without labels (section 4.2).

        The responses of some convolutions, each max-pooled to `cells`^3 and all concatenated, in inference mode. Before that,
        `kgan.layers.estimate_statistics(model.discriminator, batches_of_shapes)` replaces the moving averages of batch norm, in which
        generated shapes count as much as real ones.

        Args:
            shapes: array `(count, *voxel_shape)` in [0, 1].
            layers: names of layers whose outputs are maps. Default: `down_<k>_activation` of the last three convolutions; of four that
                is the paper's second, third and fourth, 7168 numbers at 64^3.
            cells: default 2 (the paper's kernels 8, 4 and 2 leave as many).
            batch_size: shapes computed at once.

        Returns:
            NumPy array `(count, features)`.
        """
        shapes = np.asarray(shapes)
        check_occupancies(shapes, self.voxel_shape)
        names = [layer.name for layer in self.discriminator.layers]
        if layers is None:
            layers = [n for n in names if n.startswith("down_") and n.endswith("_activation")][-3:]
        if not layers or set(layers) - set(names):
            raise ValueError(f"`layers` must name layers of the discriminator, which has {names}. Received: {layers!r}.")
        taps = [with_features(self.discriminator, name) for name in layers]
        network = keras.Model(self.discriminator.input, [tap.output[0] for tap in taps])

        def pooled(batch: Tensor) -> Tensor:
            responses = network(batch, training=False)
            responses = responses if isinstance(responses, (list, tuple)) else [responses]
            return ops.concatenate([_pool(r, cells) for r in responses], axis=-1)

        return self.in_inference(pooled, shapes, batch_size=batch_size)


def _accuracy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Share of examples on the right side of 0, as many generated as real ones."""
    right = ops.concatenate([real_logits > 0, fake_logits[: count_of(real_logits)] < 0])
    return ops.mean(ops.cast(right, "float32"))


def _pool(maps: Tensor, cells: int) -> Tensor:
    """Maps `(batch, n, n, n, channels)` max-pooled to `cells`^3 and flattened."""
    size = maps.shape[1]
    if size % cells:
        raise ValueError(f"Maps of {size}^3 cannot be pooled to {cells}^3 cells. Choose other `layers` or `cells`.")
    pooled = ops.max_pool(maps, size // cells, size // cells, data_format="channels_last")
    return ops.reshape(pooled, (-1, cells**3 * maps.shape[-1]))


def check_occupancies(batch: Any, shape: Sizes) -> None:
    """Refuse what is not an array of cubes of this shape with values in [0, 1]."""
    shape = tuple(shape)
    if not isinstance(batch, np.ndarray):
        raise ValueError(f"Expected one array of shapes {shape}. Received a nest of {type(batch).__name__}.")
    if batch.dtype.kind not in "fiub":
        raise ValueError(f"Occupancies must be numbers in [0, 1]. Received dtype {batch.dtype}.")
    if batch.shape[1:] != shape:
        raise ValueError(
            f"Shapes must be cubes {shape}. Received: {batch.shape[1:]} each. A missing axis of channels is `x[..., None]`."
        )
    # NaN fails both comparisons.
    if len(batch) and not (batch.min() >= 0 and batch.max() <= 1):
        raise ValueError(
            f"Occupancies must lie in [0, 1], 1 where a cell is full. Received values in [{batch.min():g}, {batch.max():g}]. "
            "For data in [-1, 1] use `(x + 1) / 2`."
        )
