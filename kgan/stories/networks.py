"""The networks of AREL: Wang, Chen, Wang, Wang, "No Metrics Are Perfect", ACL 2018, arXiv 1804.09160, and of its authors' code.

A policy tells a story of one sentence about each of several photos, given as feature vectors; a reward scores a sentence beside its photo.
Words are integers: 0 begins and ends a sentence and pads it, 1 is the unknown word.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from kgan.backend import full_precision
from kgan.networks import blocks
from kgan.types import Config, Tensor

Encoded = tuple[Tensor, ...]
"""A row for each photo: `(contexts, first states)`."""

END, UNKNOWN = 0, 1
FORBIDDEN = -1e9  # added to a logit; exactly no probability after a softmax in float32, and finite


def uniform(limit: float = 0.1) -> keras.initializers.Initializer:
    """The authors' initializer of dense layers and embeddings."""
    return keras.initializers.RandomUniform(-limit, limit)


def by_fan_in() -> keras.initializers.Initializer:
    """`U(-1/sqrt(n), 1/sqrt(n))` for n inputs, PyTorch's default, which the authors leave their reward's layers at."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def shifted(words: Tensor) -> Tensor:
    """The word before each: 0 in front, the last left out."""
    return ops.pad(words[:, :-1], ((0, 0), (1, 0)))


@keras.saving.register_keras_serializable("kgan")
class StoryPolicy(keras.Model):
    """A distribution over stories, given photos.

    Encoder: a dense layer with batch norm over all photos of the batch and ReLU gives `e_i`; a bidirectional GRU runs over the photos of
    a story; `h_i = ReLU(e_i + dense(GRU_i))`. Decoder, one for each photo with shared weights: `s_0 = dense(photo_i)`,
    `s_t = GRU(s_{t-1}, dense[w_{t-1}, h_i])` (Eq. 1), logits = dense(dropout(tanh(dense(s_t)))) (Eq. 2 has one layer). The sentences know
    of each other through the encoder alone.

    Samples keep two rules of the authors' code: no word is repeated at once (its logit is lowered by `repeat_penalty`), and no sentence
    ends within the first `min_length` words. Probabilities of samples are those after the rules, so they sum to 1. Called on
    `{"photos": (batch, num_photos, photo_size), "noise": (batch, num_photos, sentence_length) uniform in [0, 1)}` the policy returns
    samples, one number of noise a word.

    Args:
        vocabulary_size: >= 3: 0, 1 and the words.
        photo_size: default 2048 (ResNet-152's pool5, the paper's), numbers of a photo.
        num_photos: default 5 (the paper's). sentence_length: default 30 (the authors'), the end included.
        units: even, default 512 (the paper's): of the decoder, the word embedding and `h_i`; half as many each way in the encoder
            and in the layer before the logits.
        encoder_dropout: default 0.2. dropout: default 0.5, before the logits (the authors').
        repeat_penalty: >= 0, default 100. min_length: default None: 6 (the authors'), or `sentence_length` where that is less.

    Departures from the code: batch norm's momentum is Keras' 0.9 of PyTorch's 0.1; log-probabilities of samples are normalized after the
    rules (the code draws from the normalized distribution, and differentiates the other); the weights of GRUs start at
    `U(-1/sqrt(units), 1/sqrt(units))`, PyTorch's default.

    Example:
    >>> import numpy as np
    >>> from kgan.stories import StoryPolicy
    >>> policy = StoryPolicy(12, photo_size=4, num_photos=2, sentence_length=7, units=8)
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.random((3, 2, 7)).astype("float32")
    >>> tuple(policy({"photos": rng.normal(size=(3, 2, 4)).astype("float32"), "noise": noise}).shape)
    (3, 2, 7)
    """

    def __init__(
        self,
        vocabulary_size: int,
        photo_size: int = 2048,
        num_photos: int = 5,
        sentence_length: int = 30,
        units: int = 512,
        encoder_dropout: float = 0.2,
        dropout: float = 0.5,
        repeat_penalty: float = 100.0,
        min_length: int | None = None,
        name: str = "policy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        sizes = {"photo_size": photo_size, "num_photos": num_photos, "sentence_length": sentence_length, "units": units}
        for field, value in sizes.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{field}` must be an integer >= 1. Received: {value!r}.")
        if not isinstance(vocabulary_size, int) or vocabulary_size < 3:
            raise ValueError(
                "`vocabulary_size` must be an integer >= 3: 0 (begin, end, padding), 1 (unknown) and the words. Received: "
                f"{vocabulary_size!r}."
            )
        if units % 2:
            raise ValueError(f"`units` must be even; half of them read the photos forwards, half backwards. Received: {units}.")
        min_length = min(6, sentence_length) if min_length is None else min_length
        if not repeat_penalty >= 0 or not isinstance(min_length, int) or not 0 <= min_length <= sentence_length:
            raise ValueError(
                "`repeat_penalty` must be >= 0 and `min_length` an integer from 0 to `sentence_length`. Received: "
                f"{repeat_penalty!r} and {min_length!r}."
            )
        self.vocabulary_size = vocabulary_size
        self.photo_size = photo_size
        self.num_photos = num_photos
        self.sentence_length = sentence_length
        self.units = units
        self.encoder_dropout = encoder_dropout
        self.dropout = dropout
        self.repeat_penalty = repeat_penalty
        self.min_length = min_length

        def dense(size: int, name: str, **kwargs: Any) -> keras.layers.Layer:
            return blocks.dense(size, name, uniform(), dtype=self.dtype_policy, **kwargs)

        def gru(size: int, name: str) -> keras.layers.Layer:
            start = {f"{part}_initializer": uniform(size**-0.5) for part in ("kernel", "recurrent", "bias")}
            return layers.GRU(size, return_sequences=True, name=name, dtype=self.dtype_policy, **start)

        # The encoder.
        self.photo_in = dense(units, "photo_in", use_bias=False)  # batch norm has the bias
        self.photo_norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="photo_norm", dtype=self.dtype_policy)
        self.photo_drop = blocks.dropout(encoder_dropout, "photo_drop")
        self.reader = layers.Bidirectional(gru(units // 2, "reader"), name="reader", dtype=self.dtype_policy)
        self.residual = dense(units, "residual")
        # The decoder. One dense layer on [word, context] is two whose outputs are added: that of the context is computed once.
        self.first_state = dense(units, "first_state")
        self.words = layers.Embedding(vocabulary_size, units, embeddings_initializer=uniform(), name="words")
        self.word_in = dense(units, "word_in", use_bias=False)
        self.context_in = dense(units, "context_in")
        self.decoder = gru(units, "decoder")
        self.hidden = dense(max(1, units // 2), "hidden", activation="tanh")
        self.hidden_drop = blocks.dropout(dropout, "hidden_drop")
        self.logit = dense(vocabulary_size, "logit")
        photos, row = (None, num_photos, photo_size), (None, num_photos, units)
        shapes = {
            "photo_in": photos, "photo_norm": row, "photo_drop": row, "reader": row, "residual": row, "first_state": photos,
            "words": (None, None), "word_in": (None, units), "context_in": (None, units), "decoder": (None, None, units),
            "hidden": (None, units), "hidden_drop": row, "logit": (None, max(1, units // 2)),
        }  # fmt: skip
        for layer, shape in shapes.items():
            getattr(self, layer).build(shape)
        self.built = True

    # Teacher forcing -------------------------------------------------------------------------------------------------

    def encode(self, photos: Tensor, training: bool = False) -> Encoded:
        """What the decoder needs of photos `(batch, num_photos, photo_size)`: a row for each photo, `(contexts, first states)`."""
        photos = ops.cast(photos, self.compute_dtype)
        e = ops.relu(self.photo_norm(self.photo_in(photos), training=training))
        h = ops.relu(e + self.residual(self.reader(self.photo_drop(e, training=training), training=training)))
        return tuple(ops.reshape(x, (-1, self.units)) for x in (self.context_in(h), self.first_state(photos)))

    def drops(self, rows: Any, training: bool = False) -> Tensor | None:
        """Dropout of `rows` sentences before the logits, as factors `(rows, sentence_length, units)`; None out of training.

        Drawn once, they serve the drawing of words and their probabilities, which are thus those of one network.
        """
        if not training:
            return None
        ones = ops.ones((rows, self.sentence_length, self.hidden.units), dtype=self.compute_dtype)
        return self.hidden_drop(ones, training=True)

    def decode(self, fed: Tensor, encoded: Encoded) -> Tensor:
        """States s_t `(rows, length, units)` of the decoder that was fed the words `(rows, length)`."""
        contexts, state = encoded
        return self.decoder(self.word_in(self.words(fed)) + contexts[:, None], initial_state=state)

    def logits(self, states: Tensor, drops: Tensor | None = None) -> Tensor:
        """Logits of words in at least float32, `(..., vocabulary_size)`, from states of the decoder."""
        hidden = self.hidden(states)
        return full_precision(self.logit(hidden if drops is None else hidden * drops))

    def rules(self, previous: Tensor, step: Tensor, ends: bool = True) -> Tensor:
        """What the rules of sampling add to logits.

        Args:
            previous: integers, the words before. step: integers that broadcast to them, places in the sentence from 0.
            ends: whether the rule of the shortest sentence holds.

        Returns:
            Tensor `(*previous.shape, vocabulary_size)`, float32.
        """
        words = ops.arange(self.vocabulary_size, dtype="int32")
        repeated = ops.logical_and(ops.equal(previous[..., None], words), ops.not_equal(words, END))
        lowered = ops.where(repeated, -self.repeat_penalty, 0.0)
        if not ends:
            return lowered
        early = ops.logical_and(ops.equal(words, END), ops.less(step, self.min_length)[..., None])
        return lowered + ops.where(early, FORBIDDEN, 0.0)

    def log_probabilities(self, logits: Tensor, words: Tensor, ruled: bool = False) -> Tensor:
        """Log-probabilities `(rows, length)` of words, from logits of the decoder that was fed them.

        Args:
            logits: tensor `(rows, length, vocabulary_size)`. words: integers `(rows, length)`.
            ruled: default False: of the policy that keeps the rules of sampling.
        """
        if ruled:
            logits = logits + self.rules(shifted(words), ops.arange(words.shape[1]))
        chosen = ops.take_along_axis(logits, ops.cast(words, "int32")[..., None], axis=-1)[..., 0]
        return chosen - ops.logsumexp(logits, axis=-1)

    # Step by step ----------------------------------------------------------------------------------------------------

    def step(self, previous: Tensor, state: Tensor, contexts: Tensor, drops: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One word on: `(logits, state)` from the word before `(rows,)`, the state and the contexts `(rows, units)`."""
        state = self.decoder.cell(self.word_in(self.words(previous)) + contexts, [state])[0]
        return self.logits(state, drops), state

    def unroll(
        self,
        encoded: Encoded,
        drops: Tensor | None = None,
        noise: Tensor | None = None,
        story: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Words drawn one after the other, `(rows, sentence_length)` int32. Not differentiable.

        Args:
            encoded: as returned by `encode`.
            drops: as returned by `drops`.
            noise: uniform numbers in [0, 1) `(rows, sentence_length)`; None: the likeliest word.
            story, keep: words and booleans `(rows, sentence_length)`, for scheduled sampling: where `keep`, the word of `story` is taken
                (and fed) instead of a drawn one. The rules of sampling then do not hold, and the sentences do not end.

        Returns:
            Without `story`: sentences, 0 behind their end.
        """
        contexts, state = encoded
        length, scheduled = self.sentence_length, story is not None
        places = ops.arange(length, dtype="int32")
        previous = ops.zeros_like(contexts[:, 0], dtype="int32")
        words = ops.zeros_like(contexts[:, :1], dtype="int32") + ops.zeros((1, length), "int32")

        def at(tensor: Tensor, t: Tensor) -> Tensor:
            return ops.take(tensor, t, axis=1)

        def going(t: Tensor, words: Tensor, state: Tensor, previous: Tensor, alive: Tensor) -> Tensor:
            return ops.logical_and(t < length, ops.any(alive))

        def body(t: Tensor, words: Tensor, state: Tensor, previous: Tensor, alive: Tensor) -> tuple[Tensor, ...]:
            logits, state = self.step(previous, state, contexts, None if drops is None else at(drops, t))
            if not scheduled:
                logits = logits + self.rules(previous, ops.broadcast_to(t, ops.shape(previous)))
            word = ops.cast(ops.argmax(logits, axis=-1), "int32") if noise is None else drawn(logits, at(noise, t))
            if scheduled:
                word = ops.where(at(keep, t), at(story, t), word)
            else:
                word = ops.where(alive, word, END)
                alive = ops.logical_and(alive, ops.not_equal(word, END))
            words = ops.where(ops.equal(places, t), word[:, None], words)
            return t + 1, words, state, word, alive

        start = (ops.zeros((), "int32"), words, state, previous, ops.equal(previous, 0))
        return ops.while_loop(going, body, start)[1]

    def beam(self, encoded: Encoded, width: int = 3) -> Tensor:
        """The best sentence of a beam search for every row, `(rows, sentence_length)` int32.

        `width` sentences are kept, those of the highest log-probability; one that has ended stays as it is. At the end the highest mean
        per word wins, the end counted as a word. The unknown word is forbidden, so is repeating a word at once; sentences may be short
        (the authors'). Words keep the probabilities they have among all words: what the forbidden ones had is given to none, as in the
        authors' code, so that a sentence pays for places where a forbidden word was likely. Samples are normalized anew.

        Args:
            encoded: as returned by `encode`. width: >= 1, default 3 (the authors').
        """
        contexts, state = encoded
        length, size = self.sentence_length, self.vocabulary_size
        contexts, state = (ops.repeat(x, width, axis=0) for x in (contexts, state))
        places, vocabulary = ops.arange(length, dtype="int32"), ops.arange(size, dtype="int32")
        unknown = ops.where(ops.equal(vocabulary, UNKNOWN), FORBIDDEN, 0.0)
        stay = ops.where(ops.equal(vocabulary, END), 0.0, 2 * FORBIDDEN)

        def per_row(x: Tensor, *shape: int) -> Tensor:
            return ops.reshape(x, (-1, width, *shape))

        def inherited(x: Tensor, parents: Tensor) -> Tensor:
            return ops.take_along_axis(x, ops.reshape(parents, (-1, width, *[1] * (len(x.shape) - 2))), axis=1)

        def going(
            t: Tensor, words: Tensor, state: Tensor, previous: Tensor, scores: Tensor, lengths: Tensor, alive: Tensor
        ) -> Tensor:
            return ops.logical_and(t < length, ops.any(alive))

        def body(
            t: Tensor, words: Tensor, state: Tensor, previous: Tensor, scores: Tensor, lengths: Tensor, alive: Tensor
        ) -> tuple[Tensor, ...]:
            logits, state = self.step(previous, state, contexts)
            rules = self.rules(previous, t, ends=False) + unknown
            likelihoods = per_row(ops.log_softmax(logits, axis=-1) + rules, size)
            totals = scores[..., None] + ops.where(alive[..., None], likelihoods, stay)
            scores, best = ops.top_k(ops.reshape(totals, (-1, width * size)), width)
            best = ops.cast(best, "int32")
            parents, word = best // size, best % size
            words, alive, lengths = (inherited(x, parents) for x in (words, alive, lengths))
            state = ops.reshape(inherited(per_row(state, self.units), parents), (-1, self.units))
            words = ops.where(ops.equal(places, t), word[..., None], words)
            lengths = lengths + ops.cast(alive, "float32")
            alive = ops.logical_and(alive, ops.not_equal(word, END))
            return t + 1, words, state, ops.reshape(word, (-1,)), scores, lengths, alive

        previous = ops.zeros_like(contexts[:, 0], dtype="int32")
        zeros = per_row(ops.cast(previous, "float32"))
        words = ops.cast(zeros, "int32")[..., None] + ops.zeros((1, 1, length), "int32")
        # In the first step all sentences of a beam are one.
        scores = zeros + ops.where(ops.arange(width) > 0, FORBIDDEN * 4, 0.0)
        start = (ops.zeros((), "int32"), words, state, previous, scores, zeros, ops.equal(zeros, 0.0))
        _, words, _, _, scores, lengths, _ = ops.while_loop(going, body, start)
        best = ops.argmax(scores / lengths, axis=-1)
        return ops.take_along_axis(words, ops.cast(best, "int32")[:, None, None], axis=1)[:, 0]

    def by_photo(self, rows: Tensor) -> Tensor:
        """Rows, one for each photo, as `(batch, num_photos, ...)`."""
        return ops.reshape(rows, (-1, self.num_photos, *rows.shape[1:]))

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> Tensor:
        noise = ops.reshape(inputs["noise"], (-1, self.sentence_length))
        return self.by_photo(self.unroll(self.encode(inputs["photos"]), noise=noise))

    def compute_output_shape(self, input_shape: Mapping[str, Sequence[int | None]]) -> tuple[int | None, ...]:
        return (input_shape["photos"][0], self.num_photos, self.sentence_length)

    def get_config(self) -> Config:
        sizes = ("vocabulary_size", "photo_size", "num_photos", "sentence_length", "units")
        rest = ("encoder_dropout", "dropout", "repeat_penalty", "min_length")
        return {**super().get_config(), **{field: getattr(self, field) for field in (*sizes, *rest)}}


def drawn(logits: Tensor, noise: Tensor) -> Tensor:
    """One word for every row of logits `(rows, words)`, drawn by inverting the distribution function at `noise` `(rows,)`."""
    likelihoods = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    total = ops.cumsum(likelihoods, axis=-1)
    threshold = ops.cast(noise, total.dtype)[:, None] * total[:, -1:]
    index = ops.sum(ops.cast(ops.less_equal(total, threshold), "int32"), axis=-1)
    return ops.cast(ops.minimum(index, logits.shape[-1] - 1), "int32")


def reward(
    vocabulary_size: int,
    photo_size: int = 2048,
    sentence_length: int = 30,
    embedding_size: int = 300,
    filters: int = 512,
    widths: Sequence[int] = (2, 3, 4, 5),
    fusion: str = "add",
    squash: str = "softsign",
    frozen_embedding: bool = False,
    dropout: float = 0.5,
    name: str = "reward",
) -> keras.Model:
    """The reward of a sentence beside its photo: a convolutional network over words, and a projection of the photo.

    Convolutions of several widths over embedded words, each with ReLU and a maximum over the sentence.

    Args:
        vocabulary_size, photo_size, sentence_length: as of `StoryPolicy`.
        embedding_size: default 300 (the paper's), of words, and of the projected photo.
        filters: default 512, of every width. widths: tuple of int, default (2, 3, 4, 5) (the paper's), in words.
        fusion: "add" (the paper's): one dense layer on text and photo side by side. Their contributions then add up, and with a linear
            output the photo's is the same for a human and a sampled sentence and cancels in the loss, so that relevance cannot be learned.
            "product": of projected text and projected photo, element by element, which compares the two.
        squash: "softsign" (AREL-s, default), "tanh" (AREL-t), or "linear" (the formula as printed).
        frozen_embedding: default False: the embedding does not learn. The authors freeze pretrained vectors; give yours with
            `set_word_vectors`.
        dropout: default 0.5 (the authors').

    Returns:
        `keras.Model` from `[photos (rows, photo_size), words (rows, sentence_length)]` to `(rows, 1)`.

    Raises:
        ValueError: for another `fusion` or `squash`; for widths beyond `sentence_length`.
    """
    if fusion not in ("add", "product"):
        raise ValueError(f'`fusion` must be "add" or "product". Received: {fusion!r}.')
    if squash not in ("softsign", "tanh", "linear"):
        raise ValueError(f'`squash` must be "softsign", "tanh" or "linear". Received: {squash!r}.')
    if not widths or not all(isinstance(w, int) and 1 <= w <= sentence_length for w in widths):
        raise ValueError(
            f"`widths` must be integers from 1 to the sentence length, {sentence_length}. Received: {tuple(widths)!r}."
        )
    photos = keras.Input((photo_size,), name="photos")
    words = keras.Input((sentence_length,), dtype="int32", name="words")
    embedded = layers.Embedding(
        vocabulary_size, embedding_size, embeddings_initializer=uniform(0.25), trainable=not frozen_embedding, name="word_vectors"
    )(words)
    found = [
        layers.GlobalMaxPooling1D(name=f"max_{width}", data_format="channels_last")(
            layers.Conv1D(
                filters,
                width,
                activation="relu",
                kernel_initializer=by_fan_in(),
                name=f"conv_{width}",
                data_format="channels_last",
            )(embedded)
        )
        for width in widths
    ]
    text = layers.Concatenate(name="text")(found) if len(found) > 1 else found[0]
    photo = blocks.dense(embedding_size, "photo", by_fan_in())(photos)
    if fusion == "product":
        both = layers.Multiply(name="both")([blocks.dense(embedding_size, "text_in", by_fan_in())(text), photo])
    else:
        both = layers.Concatenate(name="both")([text, photo])
    score = blocks.dense(1, "score", by_fan_in())(blocks.dropout(dropout, "drop")(both))
    return keras.Model([photos, words], layers.Activation(squash, name="squash")(score), name=name)


def set_word_vectors(network: keras.Model, vectors: ArrayLike) -> None:
    """Give a network made by `reward` pretrained vectors of words, `(vocabulary_size, embedding_size)`; row k is of word k."""
    layer, vectors = network.get_layer("word_vectors"), np.asarray(vectors, "float32")
    expected = (layer.input_dim, layer.output_dim)
    if vectors.shape != expected or not np.isfinite(vectors).all():
        raise ValueError(f"Vectors of words must be finite numbers of shape {expected}. Received: {vectors.shape}.")
    layer.set_weights([vectors])
