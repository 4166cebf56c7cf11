"""Optical flow from few labels: Lai, Huang, Yang, "Semi-supervised learning for optical flow with GANs", NIPS 2017."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import BuiltNetwork, Natural, NonNegative, Shape
from kgan.engine import AdversarialModel, Move, Observation, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, check_maps, given_or_built
from kgan.layers import warp
from kgan.networks import optical_flow
from kgan.objectives import charbonnier, end_point_error, flow_smoothness, non_saturating
from kgan.types import Array, SeedLike, Tensor


@keras.saving.register_keras_serializable("kgan")
class FlowGAN(AdversarialModel):
    """A network of optical flow whose teacher, beside few true flows, is a discriminator of warp errors.

    With frames `I1`, `I2`, the flow f in pixels on the grid of `I1`, and `W(I2, f)` the second frame seen through it
    (`kgan.layers.warp`), warp errors `y = I1 - W(I2, f)` are signed pictures; d the discriminator's map of logits, sp softplus:
    - the discriminator, which moves first, on labeled pairs alone (a true warp error is known only there):
      `L_D = mean sp(-d(y*)) + mean sp(d(y))`, y* of the true flow, y of the predicted one;
    - the flow network: `L_G = L_EPE + adversarial_weight mean sp(-d(y))` on labeled pairs `+ adversarial_weight mean sp(-d(y))` on
      unlabeled ones, on the same minibatches.

    Where the truth is unknown, both errors are 0 for the discriminator.

    Args:
        frame_shape: `(height, width, channels)`, default (32, 32, 1), ours: of the crops trained on; frames in [-1, 1]. Warp
            errors are halved: they have the size that frames in [0, 1], the paper's, give.
        architecture: "small" (default), five dilated convolutions and a discriminator of three, of this project, which two cores train
            in minutes; "pyramid", the paper's five levels, for multiples of 32 pixels, and its discriminator of fields of 47 pixels.
        generator: `keras.Model` from `(batch, height, width, 2 channels)` to `(batch, height, width, 2)`. discriminator: from warp errors
            to maps of logits. Default: those of `architecture`.
        adversarial_weight: default 0.05 (of this project; the paper, as far as we know, 0.01).
        discriminator_start, adversarial_start: default 460 and 600 (of this project): rounds before the discriminator moves, and before the
            flow network minds it. Before, the flow is learned from the labels alone.
        photometric_weight, smoothness_weight: default 0: weights of the unsupervised baseline on unlabeled pairs,
            `rho(I1 - W(I2, f))` and `rho` of the flow's slopes, rho the Charbonnier function (the paper compares with 1 and 0.01).
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: dicts of `"labeled"`, examples `(batch, height, width, 2 channels + 3)`, two frames, the flow and where it is known, as
    `kgan.datasets.flow_examples` makes them, and `"unlabeled"`, pairs of frames `(batch, height, width, 2 channels)`; the two of any
    lengths with `kgan.datasets.unpaired`. `flow(first, second)` estimates; `generate(count, condition=pairs)` is the same.

    Logs: `discriminator/adversarial`, `discriminator/real_logit`, `discriminator/fake_logit`, `generator/end_point_error` (pixels, on
    labeled pairs), `generator/adversarial`, and the baseline's terms where they have a weight.

    Default optimizers: Adam, 1e-3 for the flow network, 2e-4 for the discriminator (of this project; the paper has 1e-4).

    Raises:
        ValueError: for frames that the networks do not take, examples of another shape or range, unknown truth that is not marked.

    Departures from the paper: its networks and constants are known from memory; the late start is ours. Frames are not turned, enlarged or
    recolored, and rates stay.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.FlowGAN((16, 16, 1), seed=0)
    >>> model.compile()
    >>> pairs, flow = kgan.datasets.warped_pairs(16, size=16, seed=0)
    >>> data = {"labeled": kgan.datasets.flow_examples(pairs, flow), "unlabeled": pairs}
    >>> history = model.fit(kgan.datasets.unpaired(data, batch_size=8), verbose=0)
    >>> model.flow(pairs[:2, ..., :1], pairs[:2, ..., 1:]).shape
    (2, 16, 16, 2)
    """

    in_inference = GenerativeModel.in_inference

    @property
    def opening(self) -> str | None:
        return "adversarial_start" if self.adversarial_weight else None

    def __init__(
        self,
        frame_shape: Shape = (32, 32, 1),
        *,
        architecture: str = "small",
        generator: BuiltNetwork | None = None,
        discriminator: BuiltNetwork | None = None,
        adversarial_weight: NonNegative = 0.05,
        discriminator_start: Natural = 460,
        adversarial_start: Natural = 600,
        photometric_weight: NonNegative = 0.0,
        smoothness_weight: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.frame_shape, self.architecture = tuple(frame_shape), architecture
        if len(self.frame_shape) != 3:
            raise ValueError(f"`frame_shape` must be (height, width, channels). Received: {frame_shape!r}.")
        self.adversarial_weight = adversarial_weight
        self.discriminator_start, self.adversarial_start = discriminator_start, adversarial_start
        self.photometric_weight, self.smoothness_weight = photometric_weight, smoothness_weight
        given = {"generator": generator, "discriminator": discriminator}
        _, self.generator, self.discriminator = given_or_built(self.frame_shape, given, lambda _: self._default_networks())
        self._check_networks()

    def _default_networks(self) -> dict[str, Callable[[], keras.Model]]:
        height, width, channels = self.frame_shape
        if self.architecture == "small":
            return {
                "generator": lambda: optical_flow.plain(channels),
                "discriminator": lambda: optical_flow.patch_judge(channels),
            }
        if self.architecture == "pyramid":
            return {
                "generator": lambda: optical_flow.pyramid(height, width, channels),
                "discriminator": lambda: optical_flow.patch_judge(channels, 47),
            }
        raise ValueError(f'`architecture` must be "small" or "pyramid". Received: {self.architecture!r}.')

    def _check_networks(self) -> None:
        height, width, channels = self.frame_shape
        check_maps(self.generator, (None, height, width, 2 * channels), (None, height, width, 2))
        logits = tuple(self.discriminator.compute_output_shape((None, height, width, channels)))
        if logits[-1] != 1:
            raise ValueError(f"The discriminator must return logits with one channel. It returns {logits[1:]}.")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {
            "discriminator": keras.optimizers.Adam(2e-4, epsilon=1e-8),
            "generator": keras.optimizers.Adam(1e-3, epsilon=1e-8),
        }

    def check_data(self, batch: Any) -> None:
        height, width, channels = self.frame_shape
        if not isinstance(batch, dict) or set(batch) != {"labeled", "unlabeled"}:
            names = list(batch) if isinstance(batch, dict) else type(batch).__name__
            raise ValueError(
                'Train with dicts of "labeled" and "unlabeled": kgan.datasets.unpaired({"labeled": flow_examples(pairs, flow), '
                f'"unlabeled": pairs}}). Received: {names}.'
            )
        labeled, frames = batch["labeled"], 2 * channels
        if not isinstance(labeled, np.ndarray) or labeled.shape[1:] != (height, width, frames + 3):
            raise ValueError(
                f"Labeled examples must be arrays (batch, {height}, {width}, {frames + 3}): two frames, the flow and where it is known, as "
                f"kgan.datasets.flow_examples makes them. Received: {getattr(labeled, 'shape', type(labeled).__name__)}."
            )
        for pairs in (labeled[..., :frames], batch["unlabeled"]):
            GenerativeModel.check_examples(self, pairs, (height, width, frames))
        if not np.isfinite(labeled).all() or not np.isin(labeled[..., -1], (0.0, 1.0)).all():
            raise ValueError(
                "The flow must be finite, and the last channel 1 where it is known, 0 elsewhere; kgan.datasets.flow_examples makes both."
            )

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn((Move("discriminator", ("discriminator",), self.discriminator_loss),), when=self._discriminator_due),
            Turn((Move("generator", ("generator",), self.generator_loss),), fresh=False),
        )

    def _discriminator_due(self) -> Tensor:
        return self.rounds >= self.discriminator_start

    def warp_error(self, pairs: Tensor, flow: Tensor, valid: Any = 1.0) -> Tensor:
        """`(I1 - W(I2, f)) / 2`, 0 where `valid` is."""
        channels = self.frame_shape[-1]
        return valid * 0.5 * (pairs[..., :channels] - warp(pairs[..., channels:], flow))

    def predicted(self, pairs: Tensor) -> Tensor:
        return backend.full_precision(self.generator(pairs, training=self.in_training))

    def judged(self, errors: Tensor) -> Tensor:
        return self.discriminator(errors, training=self.in_training)

    def _labeled(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs, flow and where it is known."""
        examples = ops.cast(ops.convert_to_tensor(batch["labeled"]), "float32")
        frames = 2 * self.frame_shape[-1]
        return examples[..., :frames], examples[..., frames : frames + 2], examples[..., frames + 2 :]

    def discriminator_loss(self, batch: Any) -> Terms:
        pairs, flow, valid = self._labeled(batch)
        real = self.judged(self.warp_error(pairs, flow, valid))
        fake = self.judged(self.warp_error(pairs, self.predicted(pairs), valid))
        return {
            "adversarial": non_saturating.discriminator(real, fake),
            "real_logit": Observation(ops.mean(backend.full_precision(real))),
            "fake_logit": Observation(ops.mean(backend.full_precision(fake))),
        }

    def generator_loss(self, batch: Any) -> Terms:
        pairs, truth, valid = self._labeled(batch)
        others = ops.cast(ops.convert_to_tensor(batch["unlabeled"]), "float32")
        flow, own = self.predicted(pairs), self.predicted(others)
        terms = {"end_point_error": end_point_error(flow, truth, valid)}
        errors = self.warp_error(others, own)
        if self.adversarial_weight:
            weight = self.adversarial_weight * ops.cast(self.rounds >= self.adversarial_start, "float32")
            looks = (self.warp_error(pairs, flow, valid), errors)
            terms["adversarial"] = weight * sum(non_saturating.generator(self.judged(part)) for part in looks)
        if self.photometric_weight:
            terms["photometric"] = self.photometric_weight * charbonnier(errors)
        if self.smoothness_weight:
            terms["smoothness"] = self.smoothness_weight * flow_smoothness(own)
        return terms

    # Use -------------------------------------------------------------------------------------------------------------

    def flow(self, first: Array, second: Array, batch_size: int = 16) -> Array:
        """The flow between frames, in inference mode and with averaged weights if the model keeps averages.

        Args:
            first, second: float arrays `(count, height, width, channels)` in [-1, 1]. Networks for frames of any size, such as the small
                one, take any size.
            batch_size: default 16: pairs computed at once.

        Returns:
            float32 array `(count, height, width, 2)`: `(u, v)` in pixels, u to the right, v down: what is at `(x, y)` in the first
            frame is at `(x + u, y + v)` in the second.

        Raises:
            ValueError: frames of two sizes, another range, or a size that the network does not take.
        """
        first, second = np.asarray(first), np.asarray(second)
        if first.shape != second.shape or first.ndim != 4 or first.shape[-1] != self.frame_shape[-1]:
            raise ValueError(
                f"Two frames must be arrays (count, height, width, {self.frame_shape[-1]}) of one shape. Received: {first.shape} and "
                f"{second.shape}."
            )
        return self._estimate(np.concatenate([first, second], axis=-1), batch_size)

    def _estimate(self, pairs: Array, batch_size: int) -> Array:
        taken = tuple(self.generator.input_shape)[1:]
        if any(own not in (None, size) for own, size in zip(taken, pairs.shape[1:], strict=True)):
            raise ValueError(
                f"This network takes pairs of the shape {taken}. Received: {pairs.shape[1:]}. Cut or pad the frames."
            )
        GenerativeModel.check_examples(self, pairs, pairs.shape[1:])
        return self.in_inference(lambda x: self.generator(x, training=False), pairs, batch_size=batch_size)

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        if condition is None:
            raise ValueError("Flow is between frames: `condition` must hold pairs of them.")
        pairs = condition["unlabeled"] if isinstance(condition, dict) else np.asarray(condition)
        if len(pairs) != count:
            raise ValueError(f"`condition` holds {len(pairs)} pairs, `count` is {count}.")
        GenerativeModel.check_examples(self, pairs, (*self.frame_shape[:2], 2 * self.frame_shape[-1]))
        return ops.convert_to_tensor(pairs, "float32")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            return self.generator(inputs, training=training)
