"""Next frames of a video: Bhattacharjee and Das, "Temporal coherency based criteria for predicting video frames", NIPS 2017."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import BuiltNetwork, Count, Natural, NonNegative, Positive, Shape
from kgan.engine import AdversarialModel, Move, Observation, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, check_maps, given_or_built
from kgan.networks import video, with_features
from kgan.objectives import correlation_loss, frame_coherence, mean_absolute, non_saturating, smooth_correlation_loss
from kgan.types import Array, SeedLike, Sizes, Tensor

_SCALES = ("coarse", "fine")
_WEIGHTS: dict[bool, dict[str, float]] = {
    False: {"l1": 0.25, "correlation": 0.25, "coherence": 0.25},
    True: {"l1": 0.33, "correlation": 0.33, "coherence": 0.16},
}


@keras.saving.register_keras_serializable("kgan")
class VideoPredictor(AdversarialModel):
    """Predicts the next frames of a clip in two stages, at half size and at full size, and keeps them coherent in time.

    With X the past frames, Y the true next ones, Y' the predictions and d the logit that a discriminator gives to **one frame**, at
    each of two scales, sp softplus:
    - the discriminators, which move first: `L_D = mean_t sp(-d(Y_t)) + mean_t sp(d(Y'_t))`;
    - both generators, one move on the same clips: `L_Combined = adversarial_weight mean_t sp(-d(Y'_t)) + l1_weight mean |Y' - Y| +
      correlation_weight L_NCCL + coherence_weight (L_PCDL + L_3PCDL)` (Eq. 10), summed over the scales.

    `L_NCCL` finds every patch of a predicted frame in the true frame before it (`kgan.objectives.correlation_loss`); `L_PCDL` and `L_3PCDL`
    keep the discriminator's features of consecutive frames near each other, and their differences, where it believes the frames, and part
    them where it does not (`frame_coherence`); the sequences begin with the last true frames. The fine generator sees the past and the
    coarse predictions, enlarged; gradients flow through these into the coarse one.

    Args:
        frame_shape: `(height, width, channels)`, height and width multiples of `patch`; frames in [-1, 1].
        past_frames: default 4 (the paper's): frames seen.
        future_frames: default 2: frames predicted at once; `predict_frames` goes on from its own predictions.
        architecture: "small" (default), networks of this project, which two cores train in minutes and which predict the change from
            the last frame; "paper", the tables of the paper, which draw every frame anew.
        coarse_generator: `keras.Model` from past frames of half the size `(batch, past_frames, height / 2, width / 2, channels)` to frames.
            fine_generator: from `[past, enlarged coarse frames]`. coarse_discriminator, fine_discriminator: functional models from one
            frame of their scale to a logit `(batch, 1)`. Default: those of `architecture`.
        patch: default 8, even, 4 or more: pixels of a patch at full size, half as many at half size.
        smooth: default False. True: `smooth_correlation_loss` (SNCCL, of this project) instead of NCCL, with the weights the paper has
            for its own: 0.33, 0.16 of both coherence terms; for L1, which it does not state, 0.33.
        margin: default 0.1 (of this project): how far apart frames are pushed that the discriminator does not believe.
        adversarial_weight: default 0.01. l1_weight, correlation_weight, coherence_weight: default 0.25 each (all the paper's). 0 leaves
            a term out.
        coherence_start: default 300 (of this project): rounds before the coherence terms act; a discriminator that knows nothing yet
            believes nothing, and would only part the frames.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: clips `(batch, past_frames + future_frames, *frame_shape)`, float32 in [-1, 1]. `generate(count, condition=past)`:
    `(count, future_frames, *frame_shape)`, after the last `past_frames` frames of each clip of `past`; there is no noise, so that the same
    past gives the same future.

    Logs: `discriminator/adversarial`, `discriminator/real_logit`, `discriminator/fake_logit` (means of the fine scale),
    `generator/adversarial`, `generator/l1`, `generator/correlation`, `generator/coherence`, `generator/coherence_2` (weighted).

    Default optimizers: Adam, beta_1 0.5, 5e-4 for the generators, 2e-4 for the discriminators (of this project).

    Raises:
        ValueError: for frames that are no multiple of the patch, networks that do not fit, clips of another shape or range.

    Departures from the paper: it does not state patches, margin, rates, nor what its distance of frames is; the smoothed loss is not
    public. The coherence terms start late, and their probabilities carry no gradient (rounded ones destroyed the first frame in trials).

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.VideoPredictor((16, 16, 1), past_frames=2, seed=0)
    >>> model.compile()
    >>> clips = np.random.default_rng(0).uniform(-1, 1, (8, 4, 16, 16, 1)).astype("float32")
    >>> history = model.fit(clips, batch_size=4, verbose=0)
    >>> model.predict_frames(clips[:3, :2], 5).shape
    (3, 5, 16, 16, 1)
    """

    in_inference = GenerativeModel.in_inference

    @property
    def opening(self) -> str | None:
        return "coherence_start" if self.coherence_weight else None

    def __init__(
        self,
        frame_shape: Shape,
        *,
        past_frames: Count = 4,
        future_frames: Count = 2,
        architecture: str = "small",
        coarse_generator: BuiltNetwork | None = None,
        fine_generator: BuiltNetwork | None = None,
        coarse_discriminator: BuiltNetwork | None = None,
        fine_discriminator: BuiltNetwork | None = None,
        patch: Count = 8,
        smooth: bool = False,
        margin: Positive = 0.1,
        adversarial_weight: NonNegative = 0.01,
        l1_weight: NonNegative | None = None,
        correlation_weight: NonNegative | None = None,
        coherence_weight: NonNegative | None = None,
        coherence_start: Natural = 300,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.patch, self.frame_shape = patch, _checked_shape(frame_shape, patch)
        self.past_frames, self.future_frames, self.architecture = past_frames, future_frames, architecture
        self.smooth, self.margin, self.coherence_start = smooth, margin, coherence_start
        usual, self.adversarial_weight = _WEIGHTS[smooth], adversarial_weight
        self.l1_weight = usual["l1"] if l1_weight is None else l1_weight
        self.correlation_weight = usual["correlation"] if correlation_weight is None else correlation_weight
        self.coherence_weight = usual["coherence"] if coherence_weight is None else coherence_weight
        if self.coherence_weight and past_frames + future_frames < 3:
            raise ValueError(
                "One frame seen and one predicted have no second difference: see or predict more, or set `coherence_weight` to 0."
            )
        given = {
            "coarse_generator": coarse_generator,
            "fine_generator": fine_generator,
            "coarse_discriminator": coarse_discriminator,
            "fine_discriminator": fine_discriminator,
        }
        _, *networks = given_or_built(self.frame_shape, given, self._default_networks)
        self.coarse_generator, self.fine_generator, self.coarse_discriminator, self.fine_discriminator = networks
        self._check_networks()
        # Behind methods, so that Keras does not list the discriminators' layers a second time.
        self._tapped = {s: with_features(getattr(self, f"{s}_discriminator")).__call__ for s in _SCALES}

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of one clip: `(past_frames + future_frames, height, width, channels)`."""
        return (self.past_frames + self.future_frames, *self.frame_shape)

    def _default_networks(self, shape: Sizes) -> dict[str, Callable[[], keras.Model]]:
        tables = {
            "small": (video.SMALL_COARSE, video.SMALL_FINE, video.SMALL_JUDGE, video.SMALL_JUDGE),
            "paper": (video.COARSE, video.FINE, video.COARSE_JUDGE, video.FINE_JUDGE),
        }
        if self.architecture not in tables:
            raise ValueError(f"`architecture` must be one of {sorted(tables)}. Received: {self.architecture!r}.")
        coarse, fine, coarse_judge, fine_judge = tables[self.architecture]
        n, residual, half = self.future_frames, self.architecture == "small", _half(shape)
        past = (self.past_frames, *shape)
        return {
            "coarse_generator": lambda: video.stage((self.past_frames, *half), n, coarse, residual=residual),
            "fine_generator": lambda: video.stage(past, n, fine, guess=True, residual=residual, name="fine_generator"),
            "coarse_discriminator": lambda: video.judge(half, *coarse_judge),
            "fine_discriminator": lambda: video.judge(shape, *fine_judge, name="fine_discriminator"),
        }

    def _check_networks(self) -> None:
        past, future = (None, self.past_frames), (None, self.future_frames)
        half, full = _half(self.frame_shape), self.frame_shape
        for network, inputs, output in (
            (self.coarse_generator, (*past, *half), (*future, *half)),
            (self.fine_generator, [(*past, *full), (*future, *full)], (*future, *full)),
            (self.coarse_discriminator, (None, *half), (None, 1)),
            (self.fine_discriminator, (None, *full), (None, 1)),
        ):
            check_maps(network, inputs, output)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"discriminator": 2e-4, "generator": 5e-4}
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move, rate in rates.items()}

    def check_data(self, batch: Any) -> None:
        self._check_clips(batch, self.data_shape)

    def _check_clips(self, clips: Any, shape: Sizes) -> None:
        GenerativeModel.check_examples(self, clips, shape)
        if np.abs(clips).max() > 1.001:
            raise ValueError(
                f"Frames must lie in [-1, 1]. Received values in [{clips.min():g}, {clips.max():g}]. For pixels in [0, 255] use "
                "`x / 127.5 - 1`, for [0, 1] `2 * x - 1`."
            )

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        judges, makers = (tuple(f"{scale}_{role}" for scale in _SCALES) for role in ("discriminator", "generator"))
        return (
            Turn((Move("discriminator", judges, self.discriminator_loss),)),
            Turn((Move("generator", makers, self.generator_loss),), fresh=False),
        )

    def predicted(self, past: Tensor, training: bool) -> dict[str, Tensor]:
        """Frames after past ones, by scale: `{"coarse": ..., "fine": ...}`."""
        coarse = self.coarse_generator(halved(past), training=training)
        enlarged = ops.repeat(ops.repeat(coarse, 2, axis=2), 2, axis=3)
        return {"coarse": coarse, "fine": self.fine_generator([past, enlarged], training=training)}

    def judged(self, scale: str, clips: Tensor) -> tuple[Tensor, Tensor]:
        """A discriminator's features `(batch, frames, n)` and logits `(batch, frames)` of the frames of clips."""
        features, logits = self._tapped[scale](ops.reshape(clips, (-1, *clips.shape[2:])), training=self.in_training)
        frames = clips.shape[1]
        return ops.reshape(features, (-1, frames, features.shape[-1])), ops.reshape(logits, (-1, frames))

    def _parts(self, clips: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Past and future frames by scale."""
        m, half = self.past_frames, halved(clips)
        return {"coarse": (half[:, :m], half[:, m:]), "fine": (clips[:, :m], clips[:, m:])}

    def discriminator_loss(self, clips: Tensor) -> Terms:
        clips = ops.cast(ops.convert_to_tensor(clips), "float32")
        parts = self._parts(clips)
        made = self.predicted(parts["fine"][0], self.in_training)
        real = {scale: self.judged(scale, parts[scale][1])[1] for scale in _SCALES}
        fake = {scale: self.judged(scale, made[scale])[1] for scale in _SCALES}
        return {
            "adversarial": sum(non_saturating.discriminator(real[scale], fake[scale]) for scale in _SCALES),
            "real_logit": Observation(ops.mean(backend.full_precision(real["fine"]))),
            "fake_logit": Observation(ops.mean(backend.full_precision(fake["fine"]))),
        }

    def generator_loss(self, clips: Tensor) -> Terms:
        clips = ops.cast(ops.convert_to_tensor(clips), "float32")
        parts = self._parts(clips)
        made = self.predicted(parts["fine"][0], self.in_training)
        terms = [self._terms(scale, *parts[scale], made[scale]) for scale in _SCALES]
        return {name: sum(own[name] for own in terms) for name in terms[0]}

    def _terms(self, scale: str, past: Tensor, future: Tensor, made: Tensor) -> Terms:
        """The weighted terms of one scale."""
        shown = ops.concatenate([past[:, -2:], ops.cast(made, past.dtype)], axis=1)
        features, logits = self.judged(scale, shown)
        # A past of one frame makes the sequences shorter by one, as the paper's, which begin with the predictions.
        known = shown.shape[1] - made.shape[1]
        beliefs = ops.sigmoid(backend.full_precision(logits))
        before = ops.concatenate([past[:, -1:], future[:, :-1]], axis=1)
        patch = self.patch // 2 if scale == "coarse" else self.patch
        resemblance = smooth_correlation_loss if self.smooth else correlation_loss
        acting = ops.cast(self.rounds >= self.coherence_start, "float32")

        def coherent(order: int) -> Tensor:
            first = max(0, known - order)
            return acting * frame_coherence(features[:, first:], beliefs[:, first:], order, self.margin)

        terms: dict[str, tuple[float, Callable[[], Tensor]]] = {
            "adversarial": (self.adversarial_weight, lambda: non_saturating.generator(logits[:, known:])),
            "l1": (self.l1_weight, lambda: mean_absolute(made, future)),
            "correlation": (self.correlation_weight, lambda: resemblance(made, before, patch)),
            "coherence": (self.coherence_weight, lambda: coherent(1)),
            "coherence_2": (self.coherence_weight, lambda: coherent(2)),
        }
        return {name: weight * term() for name, (weight, term) in terms.items() if weight}

    # Use -------------------------------------------------------------------------------------------------------------

    def predict_frames(self, past: Array, frames: int | None = None, batch_size: int = 32) -> Array:
        """The next frames of clips, in inference mode and with averaged weights if the model keeps averages.

        Args:
            past: float array `(count, at least past_frames, height, width, channels)` in [-1, 1]; the last `past_frames` frames count.
            frames: how many; default `future_frames`. More are predicted from predictions, and drift.
            batch_size: default 32: clips computed at once.

        Returns:
            float32 array `(count, frames, height, width, channels)`.

        Raises:
            ValueError: for clips of another shape or range, too short ones, `frames` below 1.
        """
        past, frames = self._checked_past(past), self.future_frames if frames is None else frames
        if not isinstance(frames, int) or isinstance(frames, bool) or frames < 1:
            raise ValueError(f"`frames` must be an integer >= 1. Received: {frames!r}.")

        def onwards(seen: Tensor) -> Tensor:
            made: list[Tensor] = []
            while len(made) * self.future_frames < frames:
                made.append(ops.cast(self.predicted(seen, False)["fine"], "float32"))
                seen = ops.concatenate([seen, made[-1]], axis=1)[:, -self.past_frames :]
            return ops.concatenate(made, axis=1)[:, :frames]

        return self.in_inference(onwards, past, batch_size=batch_size)

    def _checked_past(self, past: Any) -> Array:
        past = np.asarray(past)
        if past.ndim != 5 or past.shape[1] < self.past_frames or not len(past):
            raise ValueError(
                f"The past must be clips (count, at least {self.past_frames}, {', '.join(map(str, self.frame_shape))}). "
                f"Received: {past.shape}."
            )
        self._check_clips(past, (past.shape[1], *self.frame_shape))
        return past[:, -self.past_frames :]

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        if condition is None:
            raise ValueError("A future follows a past: `condition` must hold the clips so far.")
        past = self._checked_past(condition)
        if len(past) != count:
            raise ValueError(f"`condition` holds {len(past)} clips, `count` is {count}.")
        return ops.convert_to_tensor(past, "float32")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            return self.predicted(inputs, training)["fine"]


def halved(clips: Tensor) -> Tensor:
    """Clips of half the size: means of 2x2 pixels."""
    frames, height, width, channels = clips.shape[1:]
    pairs = ops.reshape(clips, (-1, frames, height // 2, 2, width // 2, 2, channels))
    return ops.mean(pairs, axis=(3, 5))


def _half(shape: Sizes) -> tuple[int, ...]:
    return (shape[0] // 2, shape[1] // 2, shape[2])


def _checked_shape(frame_shape: Sizes, patch: int) -> tuple[int, ...]:
    shape = tuple(frame_shape)
    if patch % 2 or patch < 4:
        raise ValueError(
            f"`patch` must be even, 4 or more: half of it is the patch at half size, and one pixel resembles any other. Received: {patch}."
        )
    if len(shape) != 3 or shape[0] % patch or shape[1] % patch:
        raise ValueError(
            f"`frame_shape` must be (height, width, channels), height and width multiples of the patch, {patch} pixels. "
            f"Received: {frame_shape!r}."
        )
    return shape
