"""What the systems of "No Metrics Are Perfect" share (Wang et al., ACL 2018, arXiv 1804.09160): a policy, its data, telling stories."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Several, as_int
from kgan.engine import AdversarialModel, Terms
from kgan.stories.networks import Encoded, StoryPolicy, shifted
from kgan.types import Array, Logs, SeedLike, Tensor

DECODINGS = ("beam", "greedy", "sample")


class StoryModel(AdversarialModel):
    """A policy that tells a sentence about each of several photos. Subclasses write the game.

    Args:
        vocabulary_size: at least 3: 0 (begin, end, padding), 1 (unknown), and the words. May be left out when `policy` is given.
        photo_size: default 2048 (ResNet-152's pool5, the paper's), numbers of a photo.
        num_photos: default 5 (the paper's). sentence_length: default 30 (the authors'), the end included.
        units: default 512 (the paper's), of the policy.
        policy: `kgan.stories.StoryPolicy` of your own, taken as it is; the sizes are then its.
        scheduled_sampling: `(epochs, step, largest)` or None: with probability `min(step * floor(epoch / epochs), largest)`, word by word,
            cross-entropy feeds a word drawn from the policy instead of the human one.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: `photos` float32 `(stories, num_photos, photo_size)` and `stories` integers `(stories, num_photos, sentence_length)`, or
    a data set of such pairs. A sentence is words, then 0s.
    """

    def __init__(
        self,
        vocabulary_size: Several | None = None,
        photo_size: Count = 2048,
        num_photos: Count = 5,
        sentence_length: Count = 30,
        *,
        units: Count = 512,
        policy: StoryPolicy | None = None,
        scheduled_sampling: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if policy is None:
            if vocabulary_size is None:
                raise ValueError("Give `vocabulary_size`, the number of word ids, 0 and 1 included.")
            policy = StoryPolicy(vocabulary_size, photo_size, num_photos, sentence_length, units)
        elif not isinstance(policy, StoryPolicy):
            raise TypeError(f"`policy` must be a kgan.stories.StoryPolicy. Received: {type(policy).__name__}.")
        elif vocabulary_size not in (None, policy.vocabulary_size):
            raise ValueError(f"`vocabulary_size` is {vocabulary_size}, the policy has {policy.vocabulary_size}. Leave it out.")
        self.policy = policy
        self.vocabulary_size = policy.vocabulary_size
        self.photo_size = policy.photo_size
        self.num_photos = policy.num_photos
        self.sentence_length = policy.sentence_length
        self.units = policy.units
        self.scheduled_sampling = _checked_schedule(scheduled_sampling)
        if self.scheduled_sampling:
            self.sampling_probability = self.add_weight(
                shape=(), initializer="zeros", trainable=False, name="sampling_probability"
            )
        self._compiled_calls = _CompiledCalls(self)

    @property
    def generator(self) -> StoryPolicy:
        """The policy: what `generate` samples from and `compile(averages={"generator": ...})` averages."""
        return self.policy

    # Data ------------------------------------------------------------------------------------------------------------

    def unpack(self, data: Any) -> Any:
        photos, stories, _ = keras.utils.unpack_x_y_sample_weight(data)
        return photos, stories

    def check_data(self, batch: Any) -> None:
        photos, stories = batch
        if stories is None:
            raise ValueError("Data must be pairs (photos, stories). Received photos alone.")
        self.check_photos(photos)
        self.check_stories(stories, len(photos))

    def check_photos(self, photos: Array) -> None:
        """Refuse features of photos of another shape or type, or that are not finite."""
        photos = np.asarray(photos)
        if photos.ndim != 3 or photos.shape[1:] != (self.num_photos, self.photo_size):
            raise ValueError(
                f"Photos must be features (stories, {self.num_photos}, {self.photo_size}): {self.num_photos} photos for every story. "
                f"Received: {photos.shape}. A model for stories of another length takes `num_photos`."
            )
        if not np.issubdtype(photos.dtype, np.floating) or not np.isfinite(photos).all():
            raise ValueError(
                f"Features of photos must be finite floating-point numbers. Received dtype {photos.dtype}"
                f"{', with NaN or infinity' if np.issubdtype(photos.dtype, np.floating) else ''}. Missing photos may be zeros."
            )

    def check_stories(self, stories: Array, count: int, empty: bool = False) -> None:
        """Refuse stories of another shape, with words out of the vocabulary, behind their end, or without any (unless `empty`)."""
        stories = np.asarray(stories)
        if stories.shape != (count, self.num_photos, self.sentence_length):
            raise ValueError(
                f"Stories must be ids ({count}, {self.num_photos}, {self.sentence_length}): {self.num_photos} sentences, one for every "
                f"photo, cut or padded with 0. Received: {stories.shape}."
            )
        if not np.issubdtype(stories.dtype, np.integer):
            raise ValueError(f"Stories must be integer ids of words. Received dtype {stories.dtype}.")
        if stories.min() < 0 or stories.max() >= self.vocabulary_size:
            raise ValueError(
                f"Ids of words lie in [0, {self.vocabulary_size}). Received ids from {stories.min()} to {stories.max()}; give unknown "
                "words the id 1."
            )
        if not empty and (stories[..., 0] == 0).any():
            raise ValueError("A sentence without words was given: every sentence of a story needs one. Leave the story out.")
        if ((stories[..., :-1] == 0) & (stories[..., 1:] != 0)).any():
            raise ValueError("A sentence has words behind its end, which is the first 0. Pad sentences with 0.")

    def fit(
        self, x: Any, y: Any = None, *, callbacks: Sequence[keras.callbacks.Callback] | None = None, **kwargs: Any
    ) -> keras.callbacks.History:
        """As in `kgan.AdversarialModel`, all stories checked first where they are in memory."""
        if y is not None:
            self.check_data((x, y))
        callbacks = [_Schedule(), *(callbacks or [])] if self.scheduled_sampling else callbacks
        return super().fit(x, y, callbacks=callbacks, **kwargs)

    def labels_in_range(self, batch: Any) -> Tensor:
        words = ops.convert_to_tensor(batch[1])
        return ops.all(ops.logical_and(words >= 0, words < self.vocabulary_size))

    # Losses ----------------------------------------------------------------------------------------------------------

    def cross_entropy_loss(self, batch: Any) -> Terms:
        """`-sum mask log pi(w) / sum mask` over human words, with scheduled sampling where it is set."""
        photos, stories = batch
        words = self.rows(stories)
        encoded = self.policy.encode(photos, self.in_training)
        drops = self.policy.drops(ops.shape(words)[0], self.in_training)
        fed = shifted(self.fed_words(words, encoded, drops))
        logits = self.policy.logits(self.policy.decode(fed, encoded), drops)
        likelihoods = self.policy.log_probabilities(logits, words)
        return {"cross_entropy": objectives.masked_cross_entropy(likelihoods, objectives.word_mask(words))}

    def fed_words(self, words: Tensor, encoded: Encoded, drops: Tensor | None) -> Tensor:
        """The human words, some replaced by the policy's own as the schedule says. They carry no gradient, as in the code."""
        if not self.scheduled_sampling or not self.in_training:
            return words
        probability = ops.convert_to_tensor(self.sampling_probability)
        noise, chance = (self.uniform_noise(words) for _ in range(2))

        def mixed() -> Tensor:
            with self.undifferentiated():
                contexts, factors = _fixed(encoded, drops)
                return self.policy.unroll(contexts, factors, noise, story=words, keep=chance >= probability)

        return backend.conditional(probability > 0, mixed, lambda: words)

    def rows(self, stories: Tensor) -> Tensor:
        """Stories as sentences, a row each, int32."""
        return ops.reshape(ops.cast(stories, "int32"), (-1, self.sentence_length))

    def uniform_noise(self, words: Tensor) -> Tensor:
        """One number for every word, from the stream of the training."""
        return keras.random.uniform(ops.shape(words), dtype="float32", seed=self.seed_generator)

    @contextlib.contextmanager
    def undifferentiated(self) -> Iterator[None]:
        """The policy at its present weights, recording nothing: words that it draws are numbers."""
        fixed = [(v, ops.stop_gradient(ops.convert_to_tensor(v))) for v in self.policy.trainable_variables]
        with backend.no_gradient(), backend.Overlay(fixed, commit=True):
            yield

    def drawn_words(self, encoded: Encoded, drops: Tensor | None, rows: Any) -> Tensor:
        """Sentences drawn from the policy, `(rows, sentence_length)`, 0 behind their end."""
        noise = keras.random.uniform((rows, self.sentence_length), dtype="float32", seed=self.seed_generator)
        with self.undifferentiated():
            contexts, factors = _fixed(encoded, drops)
            return ops.stop_gradient(self.policy.unroll(contexts, factors, noise))

    # Stories ---------------------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Any:
        if condition is None:
            raise ValueError(f"{type(self).__name__} tells stories about photos: pass `condition=photos`, or use `tell(photos)`.")
        photos = np.asarray(condition)
        self.check_photos(photos)
        if len(photos) != count:
            raise ValueError(f"`condition` must hold the photos of {count} stories. Received {len(photos)}.")
        noise = keras.random.uniform((count, self.num_photos, self.sentence_length), dtype="float32", seed=seed)
        return {"photos": photos.astype("float32"), "noise": ops.convert_to_numpy(noise)}

    def tell(
        self, photos: Array, decode: str = "beam", beam_width: int = 3, seed: int | None = None, batch_size: int = 64
    ) -> Array:
        """Stories about photos, with the averaged weights if the model keeps averages.

        Args:
            photos: float array `(stories, num_photos, photo_size)`.
            decode: "beam" (default; the paper's), "greedy" (the likeliest word each time) or "sample".
            beam_width: >= 1, default 3 (the authors'), sentences that the search keeps.
            seed: of samples: the same seed tells the same stories; None (default) draws new ones at each call.
            batch_size: default 64, stories computed at once.

        Returns:
            int32 array `(stories, num_photos, sentence_length)`: sentences, 0 behind their end.
        """
        if decode not in DECODINGS:
            raise ValueError(f"`decode` must be one of {', '.join(DECODINGS)}. Received: {decode!r}.")
        photos = np.asarray(photos)
        self.check_photos(photos)
        if decode == "sample":
            return self.generate(len(photos), condition=photos, seed=seed, batch_size=batch_size)
        beam_width = as_int(beam_width)
        if not isinstance(beam_width, int) or not 1 <= beam_width <= self.vocabulary_size:
            raise ValueError(f"`beam_width` must be an integer from 1 to the vocabulary's size. Received: {beam_width!r}.")
        return self._compiled_calls(decode if decode == "greedy" else f"beam_{beam_width}", photos, batch_size=batch_size)

    def log_probabilities(self, photos: Array, stories: Array, ruled: bool = False, batch_size: int = 64) -> Array:
        """Log-probability of every word of stories, `(stories, num_photos, sentence_length)`; 0 behind the end of a sentence.

        Args:
            photos, stories: arrays as in `fit`.
            ruled: default False. True: of the policy as it samples, which does not repeat words nor end early.
            batch_size: default 64, stories computed at once.
        """
        return self._about("ruled" if ruled else "free", photos, stories, batch_size)

    def _about(self, kind: str, photos: Array, stories: Array, batch_size: int) -> Array:
        """A compiled call on photos and stories, checked."""
        photos, stories = np.asarray(photos), np.asarray(stories)
        self.check_photos(photos)
        self.check_stories(stories, len(photos), empty=True)
        return self._compiled_calls(kind, photos, stories, batch_size=batch_size)

    def compiled_call(self, kind: str) -> Callable[[Tensor, Tensor], Tensor]:
        """The function `(photos, stories or None) -> tensor` that a public method compiles under this name."""
        policy = self.policy
        if kind == "greedy":
            return lambda photos, _: policy.by_photo(policy.unroll(policy.encode(photos)))
        if kind.startswith("beam_"):
            return lambda photos, _: policy.by_photo(policy.beam(policy.encode(photos), int(kind.split("_")[1])))

        def likelihoods(photos: Tensor, stories: Tensor) -> Tensor:
            words = self.rows(stories)
            logits = policy.logits(policy.decode(shifted(words), policy.encode(photos)))
            found = policy.log_probabilities(logits, words, ruled=kind == "ruled")
            return policy.by_photo(ops.where(objectives.word_mask(words) > 0, found, 0.0))

        return likelihoods

    def start_from(self, model: "StoryModel") -> Self:
        """Take the weights of another model's policy, as it tells stories with: a warm start. The two share nothing.

        Args:
            model: a story model with a policy of the same sizes, such as a trained `kgan.StoryXE`.

        Returns:
            This model.
        """
        theirs = model.policy.weights
        if [tuple(v.shape) for v in theirs] != [tuple(v.shape) for v in self.policy.weights]:
            raise ValueError("The other model's policy has other sizes. Build both with the same vocabulary, photos and units.")
        with backend.Overlay(model._averages.values()):
            values = [ops.convert_to_numpy(ops.convert_to_tensor(v)) for v in theirs]
        self.policy.set_weights(values)
        return self


def _fixed(*tensors: Any) -> Any:
    return keras.tree.map_structure(lambda t: None if t is None else ops.stop_gradient(t), tensors)


def ended(words: Tensor) -> Tensor:
    """Words with 0 behind the first 0."""
    return words * ops.cast(objectives.word_mask(words), words.dtype)


def story_optimizer(rate: float) -> keras.optimizers.Optimizer:
    """The authors' Adam, with the gradients of a move clipped to a norm of 10 over all its weights together."""
    return keras.optimizers.Adam(rate, beta_1=0.8, beta_2=0.999, epsilon=1e-8, global_clipnorm=10.0)


class _Schedule(keras.callbacks.Callback):
    """Sets the probability of scheduled sampling at every epoch: a function of how many are played, over fits and resumed runs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        epochs, step, largest = self.model.scheduled_sampling
        self.model.sampling_probability.assign(min(step * (self.model.epochs_played // epochs), largest))


def _checked_schedule(schedule: Any) -> tuple[Any, ...] | None:
    if schedule is None:
        return None
    schedule = tuple(schedule)
    good = len(schedule) == 3 and isinstance(schedule[0], int) and schedule[0] >= 1
    if not good or not all(0 <= number <= 1 for number in schedule[1:]):
        raise ValueError(
            "`scheduled_sampling` must be (epochs, step, largest), an integer >= 1 and two probabilities, or None. Received: "
            f"{schedule!r}."
        )
    return schedule


class _CompiledCall(keras.Model):
    """A function of a story model that Keras' `predict` compiles once for every shape."""

    def __init__(self, owner: StoryModel, kind: str) -> None:
        super().__init__(name=kind)
        self.owner = owner
        self.function = owner.compiled_call(kind)
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        with backend.Overlay(self.owner._averages.values(), commit=True):
            return self.function(inputs[0], inputs[1] if len(inputs) > 1 else None)


class _CompiledCalls:
    """The compiled calls of a model by name, out of sight of Keras, which would list the model's layers again."""

    def __init__(self, owner: StoryModel) -> None:
        self.owner = owner
        self.calls: dict[tuple[str, int], _CompiledCall] = {}

    def __call__(self, kind: str, *arrays: Array, batch_size: int) -> Array:
        averaged = len(self.owner._averages.values())
        if (kind, averaged) not in self.calls:
            self.calls[kind, averaged] = _CompiledCall(self.owner, kind)
        inputs = [np.asarray(arrays[0], "float32"), *(np.asarray(a, "int32") for a in arrays[1:])]
        return self.calls[kind, averaged].predict(inputs, batch_size=min(len(inputs[0]), batch_size), verbose=0)
