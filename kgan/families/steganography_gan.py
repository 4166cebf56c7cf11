"""Messages hidden in images: Hayes, Danezis, "Generating steganographic images via adversarial training", NIPS 2017, arXiv 1703.00371."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from kgan import backend
from kgan.arguments import BuiltNetwork, Count, NonNegative, Positive, Shape
from kgan.engine import AdversarialModel, Move, Observation, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, check_maps, given_or_built
from kgan.families.gan import count_of
from kgan.images import to_uint8
from kgan.layers import quantize_8bit
from kgan.networks import steganography
from kgan.objectives import bit_cross_entropy, mean_absolute, mean_square, non_saturating, shape_distance
from kgan.priors import Uniform
from kgan.types import Array, FilePath, SeedLike, Sizes, Tensor

DISTANCES = {"l1": mean_absolute, "l2": mean_square, "euclidean": shape_distance}
MESSAGE_DISTANCES = {**DISTANCES, "cross_entropy": bit_cross_entropy}
_AUTHORS: dict[str, Any] = {"image_distance": "l1", "message_distance": "l2", "image_weight": 0.3}
_WITH_RESIDUAL: dict[str, Any] = {"image_distance": "l2", "message_distance": "cross_entropy", "image_weight": 300.0}
_PIXELS_AT_ONCE = 2**19


@keras.saving.register_keras_serializable("kgan")
class SteganographyGAN(AdversarialModel):
    """Alice hides bits in images so that Bob can read them and Eve cannot tell that there are any.

    With covers C, messages M drawn anew for every image, C' = A(C, M), e Eve's logit (high: a cover), sp softplus:
    - Eve, who moves first: `L_E = E sp(-e(C)) + E sp(e(C'))`;
    - Alice and Bob, one move on the same covers and messages: `image_weight d(C, C') + message_weight d'(M, B(C')) +
      eve_weight E sp(-e(C'))`. The last term asks Eve to answer "cover". (Adding L_E itself, as the paper writes it, would reward
      Alice for being caught.)

    Bits are coded -0.5 and 0.5; Bob's outputs above 0 are read as 1. All of it works on the networks alone: encryption, error correction
    and files belong to a tool above. Research, not proven secrecy: an Eve who plays the game says little about one who is trained
    afterwards (`kgan.stego.Steganalyzer`).

    Args:
        image_shape: `(size, size, channels)`, default (32, 32, 3) (the paper's CelebA); any multiple of 16, and 8. With `residual` the
            size of the tiles trained on, a multiple of `block`; the trained model then takes images of any multiple of `block`.
        message_length: bits of one training image; default 100 (the paper's). With `residual` it follows from the other
            arguments and may be left out.
        residual: default False, the paper's networks, which draw the image anew through a dense layer (PSNR about 24 dB). True:
            networks of this project, `C' = clip(C + amplitude tanh(...))`, convolutional; see `kgan.networks.steganography`.
        block, bits_per_block: default 4 and 2: with `residual`, a block of 4x4 pixels holds 2 bits (0.125 bits per pixel).
        amplitude: default 4 / 127.5, four gray levels: with `residual`, the largest change of a value. PSNR is then at least
            36 dB, whatever the networks do.
        alice: `keras.Model` from `[images, messages]` to images. bob: from images to messages. eve: from images to logits
            `(batch, 1)`. Default: the paper's, or the residual ones.
        image_distance: "l1", mean absolute difference (default, the authors' code), "l2", mean square (default with `residual`), or
            "euclidean", the norm of an image's difference (the paper's). The weights fit one of them only.
        message_distance: these, or "cross_entropy" of Bob's outputs as logits. Default "l2" (the authors' code), "cross_entropy" with
            `residual`.
        image_weight, message_weight, eve_weight: default 0.3, 0.6, 0.1 (the authors' code). 0 leaves a term out. With
            `residual` the first is 300: the square of a gray level is small.
        quantize: round C' to 8 bits, as a file will, before Bob and Eve see it, with gradients as if it were not. Default
            False (the paper's), True with `residual`.
        joint_batch: Eve sees covers and stego images in one batch; matters to batch norm. Default False (the authors'
            code), True with `residual`, whose changes are small against what differs between two batches of covers.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: images `(batch, *image_shape)` in [-1, 1]; labels beside them are ignored. `hide` and `reveal` take and give bits;
    `generate(count, condition=covers)` hides random bits, without covers in images of uniform noise.

    Logs: `eve/adversarial`, `eve/accuracy` (on this minibatch, in training mode), `alice_bob/image`, `alice_bob/message`,
    `alice_bob/adversarial`, `alice_bob/bit_accuracy`.

    Default optimizers: Adam(2e-4), epsilon 1e-8 (the authors' code); with `residual` Adam(2e-3), for Eve 1e-3.

    Raises:
        ValueError: for an image size or a message that the networks cannot take, an unknown distance, negative weights, images outside
        [-1, 1], bits other than 0 and 1.

    Departures from the paper: Eve's last layer sees her last maps (in the authors' release, by mistake, her first), batch norm uses moving
    statistics in inference (there always the batch's). Alice and Bob move together on one loss, as in the release; the paper writes a loss
    of Bob's own, which is a part of it. The ATS steganalyzer is not here. `residual` and `quantize` are additions.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.SteganographyGAN((8, 8, 1), residual=True, seed=0)
    >>> model.compile()
    >>> covers = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    >>> history = model.fit(covers, batch_size=8, verbose=0)
    >>> model.capacity(8, 8), model.capacity(512, 384)
    (8, 24576)
    >>> stego = model.hide(covers[:2], np.ones((2, 8), int))
    >>> stego.shape, model.reveal(stego).shape, float(np.abs(stego - covers[:2]).max() * 127.5) < 4.6
    ((2, 8, 8, 1), (2, 8), True)
    """

    in_inference = GenerativeModel.in_inference
    check_examples = GenerativeModel.check_examples
    fooled = staticmethod(non_saturating.generator)
    """What Alice minimizes of Eve's logits of stego images: Eve is to answer "cover"."""

    def __init__(
        self,
        image_shape: Shape = (32, 32, 3),
        message_length: Count | None = None,
        *,
        residual: bool = False,
        block: Count = 4,
        bits_per_block: Count = 2,
        amplitude: Positive = 4 / 127.5,
        alice: BuiltNetwork | None = None,
        bob: BuiltNetwork | None = None,
        eve: BuiltNetwork | None = None,
        image_distance: str | None = None,
        message_distance: str | None = None,
        image_weight: NonNegative | None = None,
        message_weight: NonNegative = 0.6,
        eve_weight: NonNegative = 0.1,
        quantize: bool | None = None,
        joint_batch: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        usual = _WITH_RESIDUAL if residual else _AUTHORS
        self.image_shape = _checked_shape(image_shape)
        self.residual, self.amplitude, self.block, self.bits_per_block = residual, amplitude, block, bits_per_block
        self.message_length = self._fitting_length(message_length)
        self.image_distance = _known("image_distance", image_distance or usual["image_distance"], DISTANCES)
        self.message_distance = _known("message_distance", message_distance or usual["message_distance"], MESSAGE_DISTANCES)
        self.image_weight = usual["image_weight"] if image_weight is None else image_weight
        self.message_weight, self.eve_weight = message_weight, eve_weight
        self.quantize = residual if quantize is None else quantize
        self.joint_batch = residual if joint_batch is None else joint_batch
        given = {"alice": alice, "bob": bob, "eve": eve}
        _, self.alice, self.bob, self.eve = given_or_built(self.image_shape, given, self._default_networks)
        self._check_networks()

    def _fitting_length(self, message_length: int | None) -> int:
        """Bits of a training image: with `residual` as many as its blocks hold."""
        if not self.residual:
            return message_length or 100
        fitting = self.capacity(*self.image_shape[:2])
        if message_length not in (None, fitting):
            raise ValueError(
                f"Blocks of {self.block}x{self.block} with {self.bits_per_block} bits make messages of {fitting} in images "
                f"{self.image_shape}. Received `message_length` {message_length}; leave it out, or change `block` and `bits_per_block`."
            )
        return fitting

    def _default_networks(self, shape: Sizes) -> dict[str, Callable[[], keras.Model]]:
        length = self.message_length
        if self.residual:
            sizes: dict[str, Any] = {"bits_per_block": self.bits_per_block, "block": self.block, "channels": shape[-1]}
            return {
                "alice": lambda: steganography.residual_hider(amplitude=self.amplitude, **sizes),
                "bob": lambda: steganography.residual_reader(**sizes),
                "eve": lambda: steganography.analyzer(shape[-1], name="eve"),
            }
        return {
            "alice": lambda: steganography.hider(shape, length),
            "bob": lambda: steganography.reader(shape, length, output_activation="tanh", name="bob"),
            "eve": lambda: steganography.reader(shape, name="eve"),
        }

    def _check_networks(self) -> None:
        """Refuse networks that are not built or do not fit together."""
        image, message = (None, *self.image_shape), (None, *self.message_shape_for(*self.image_shape[:2]))
        for network, inputs, output in (
            (self.alice, [image, message], image),
            (self.bob, image, message),
            (self.eve, image, (None, 1)),
        ):
            check_maps(network, inputs, output)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"eve": 1e-3, "alice_bob": 2e-3} if self.residual else {"eve": 2e-4, "alice_bob": 2e-4}
        return {move: keras.optimizers.Adam(rate, epsilon=1e-8) for move, rate in rates.items()}

    def check_data(self, batch: Any) -> None:
        GenerativeModel.check_data(self, batch, self.image_shape)

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn((Move("eve", ("eve",), self.eve_loss),)),
            Turn((Move("alice_bob", ("alice", "bob"), self.alice_bob_loss),), fresh=False),
        )

    def eve_loss(self, covers: Tensor) -> Terms:
        # Drawn in an overlay that forgets: the move of Alice and Bob, next in the round, draws the same messages.
        with backend.Overlay():
            messages = self.draw_messages(covers, self.seed_generator)
        covers, stego = self.covers_and_stego(covers, messages)
        if self.joint_batch:
            logits = self.judged(ops.concatenate([covers, stego]))
            cover_logits, stego_logits = logits[: count_of(covers)], logits[count_of(covers) :]
        else:
            cover_logits, stego_logits = self.judged(covers), self.judged(stego)
        right = [ops.cast(part, "float32") for part in (cover_logits > 0, stego_logits <= 0)]
        return {
            "adversarial": non_saturating.discriminator(cover_logits, stego_logits),
            "accuracy": Observation(0.5 * (ops.mean(right[0]) + ops.mean(right[1]))),
        }

    def alice_bob_loss(self, covers: Tensor) -> Terms:
        messages = self.draw_messages(covers, self.seed_generator)
        covers, stego = self.covers_and_stego(covers, messages)
        read = self.bob(stego, training=self.in_training)
        right = ops.cast(ops.equal(read > 0, messages > 0), "float32")
        terms = {
            "image": (self.image_weight, lambda: DISTANCES[self.image_distance](covers, stego)),
            "message": (self.message_weight, lambda: MESSAGE_DISTANCES[self.message_distance](messages, read)),
            "adversarial": (self.eve_weight, lambda: self.fooled(self._judged_among(covers, stego))),
        }
        weighted = {name: weight * term() for name, (weight, term) in terms.items() if weight}
        return {**weighted, "bit_accuracy": Observation(ops.mean(right))}

    def _judged_among(self, covers: Tensor, stego: Tensor) -> Tensor:
        """Eve's logits of stego images, with the company they have in her own move."""
        if not self.joint_batch:
            return self.judged(stego)
        return self.judged(ops.concatenate([covers, stego]))[count_of(covers) :]

    def judged(self, images: Tensor) -> Tensor:
        """Eve's logits `(batch, 1)`, above 0 for a cover."""
        return self.eve(images, training=self.in_training)

    def draw_messages(self, covers: Tensor, seed: SeedLike) -> Tensor:
        """Fair independent bits for covers, coded -0.5 and 0.5."""
        shape = (count_of(covers), *self.message_shape_for(*covers.shape[1:3]))
        return ops.where(keras.random.uniform(shape, dtype="float32", seed=seed) < 0.5, -0.5, 0.5)

    def covers_and_stego(self, covers: Tensor, messages: Tensor) -> tuple[Tensor, Tensor]:
        """The covers as a float32 tensor, and what Alice makes of them."""
        covers = ops.cast(ops.convert_to_tensor(covers), "float32")
        return covers, backend.full_precision(self.embedded(covers, messages, self.in_training))

    def embedded(self, covers: Tensor, messages: Tensor, training: bool) -> Tensor:
        """Alice's images, rounded to 8 bits if the model quantizes."""
        stego = self.alice([covers, messages], training=training)
        return quantize_8bit(stego) if self.quantize else stego

    # Messages --------------------------------------------------------------------------------------------------------

    def message_shape_for(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the message of one image: `(message_length,)`, or `(height / block, width / block, bits_per_block)` with `residual`.

        Raises:
            ValueError: for a size that the networks do not take.
        """
        if not self.residual:
            if (height, width) != self.image_shape[:2]:
                raise ValueError(
                    f"This model takes images of exactly {self.image_shape[0]}x{self.image_shape[1]} pixels. Received: {height}x{width}. "
                    "Cut the image into tiles of that size."
                )
            return (self.message_length,)
        if height < self.block or width < self.block or height % self.block or width % self.block:
            raise ValueError(
                f"Height and width must be multiples of the block, {self.block} pixels. Received: {height}x{width}. Leave the rest at "
                "the border untouched."
            )
        return height // self.block, width // self.block, self.bits_per_block

    def capacity(self, height: int, width: int) -> int:
        """Raw bits in an image of that size, channels together."""
        return int(np.prod(self.message_shape_for(height, width)))

    def hide(self, covers: Array, bits: ArrayLike, batch_size: int | None = None) -> Array:
        """Stego images, in inference mode.

        Args:
            covers: float array `(count, height, width, channels)` in [-1, 1].
            bits: array `(count, capacity(height, width))` of 0 and 1. With `residual`: block by block, row by row of blocks.
            batch_size: images computed at once; default: as many as make half a million pixels.

        Returns:
            float32 array of the covers' shape, rounded to 8 bits: its values are `k / 127.5 - 1`, `kgan.images.to_uint8` gives k.

        Raises:
            ValueError: for images of another size or range, bits of another number or value.
        """
        covers, shape = self._checked_images(covers, "covers")
        bits = np.asarray(bits)
        wanted = (len(covers), int(np.prod(shape)))
        if bits.shape != wanted:
            raise ValueError(
                f"{len(covers)} covers of {covers.shape[1]}x{covers.shape[2]} pixels take bits of shape {wanted}. Received: {bits.shape}."
            )
        if bits.dtype.kind not in "buif" or not np.isin(bits, (0, 1)).all():
            raise ValueError(f"`bits` must be 0 or 1. Received {bits.dtype} with other values.")
        messages = bits.reshape(len(bits), *shape).astype("float32") - 0.5
        stego = self._inferred(lambda c, m: self.embedded(c, m, False), covers, messages, batch_size=batch_size)
        return to_uint8(stego).astype("float32") / 127.5 - 1.0

    def reveal(self, images: Array, scores: bool = False, batch_size: int | None = None) -> Array:
        """What Bob reads, in inference mode.

        Args:
            images: float array `(count, height, width, channels)` in [-1, 1].
            scores: default False. True: Bob's outputs, above 0 for bit 1; the further from 0, the surer.
            batch_size: as in `hide`.

        Returns:
            uint8 array `(count, capacity(height, width))` of 0 and 1, or float32 scores of that shape.
        """
        images, _ = self._checked_images(images, "images")
        read = self._inferred(lambda x: self.bob(x, training=False), images, batch_size=batch_size).reshape(len(images), -1)
        return read if scores else (read > 0).astype("uint8")

    def eve_accuracy(self, covers: Array, stego: Array, batch_size: int | None = None) -> float:
        """How often the Eve of the game is right about covers and stego images, in inference mode: the mean of both shares."""
        shares = []
        for images, sign in ((covers, 1.0), (stego, -1.0)):
            images, _ = self._checked_images(images, "images")
            logits = self._inferred(lambda x: self.eve(x, training=False), images, batch_size=batch_size)
            shares.append((np.where(logits > 0, 1.0, -1.0) == sign).mean())
        return float(np.mean(shares))

    def _inferred(self, function: Callable[..., Tensor], *arrays: Array, batch_size: int | None = None) -> Array:
        height, width = arrays[0].shape[1:3]
        return self.in_inference(function, *arrays, batch_size=batch_size or max(1, _PIXELS_AT_ONCE // (height * width)))

    def _checked_images(self, images: Array, what: str) -> tuple[Array, tuple[int, ...]]:
        """Images as an array, and the shape of their messages."""
        images = np.asarray(images)
        if images.ndim != 4 or not len(images) or images.shape[-1] != self.image_shape[-1]:
            raise ValueError(
                f"`{what}` must be an array (count, height, width, {self.image_shape[-1]}), at least one. Received: {images.shape}."
            )
        shape = self.message_shape_for(*images.shape[1:3])
        self.check_examples(images, images.shape[1:])
        return images, shape

    # Generation and files --------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Any:
        """`[covers, messages]`: `condition` are the covers; without them uniform noise."""
        seed = seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed)
        if condition is None:
            covers = Uniform(-1.0, 1.0)((count, *self.image_shape), seed)
        else:
            covers, _ = self._checked_images(condition, "condition")
            if len(covers) != count:
                raise ValueError(f"`condition` holds {len(covers)} covers, `count` is {count}.")
            covers = ops.convert_to_tensor(covers, "float32")
        return [covers, self.draw_messages(covers, seed)]

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            covers, messages = inputs
            return self.embedded(covers, messages, training)

    @classmethod
    def from_preset(cls, preset: FilePath = "stego-small") -> Self:
        """As for every family; default `"stego-small"`, which comes with kgan."""
        return super().from_preset(preset)


def _known(field: str, value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise ValueError(f"`{field}` must be one of {sorted(known)}. Received: {value!r}.")
    return value


def _checked_shape(image_shape: Sizes) -> tuple[int, ...]:
    shape = tuple(image_shape)
    if len(shape) != 3 or shape[0] != shape[1]:
        raise ValueError(f"`image_shape` must be (size, size, channels). Received: {image_shape!r}.")
    return shape
