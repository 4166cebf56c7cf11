"""Drawn albums of five pictures with stories: a small world for visual storytelling (1804.09160) without a download.

An album is an outing: five scenes that follow a plot (arrival, activity, mishap, food, farewell) at one place, in one weather,
with the same people. Several writers tell each in words of their own, in their own voice, with more or less detail, sometimes
with phrases that fit any album ("it was a great day for everyone ."), as the writers of VIST do.
"""

import functools
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kgan import cache, checks
from kgan.arguments import COUNT, require
from kgan.networks.attributes import attribute_network
from kgan.stories import grammar
from kgan.stories.album_pictures import draw_scenes
from kgan.stories.grammar import Scene
from kgan.stories.sentences import PHOTOS, Stories, Story, Vocabulary
from kgan.types import Array, Tensor

if TYPE_CHECKING:
    import keras

PICTURE_SIZE = 32
SPLITS = {"train": (1200, 0), "validation": (100, 1), "test": (200, 2)}
"""Albums of a split and its seed."""

_WRITERS = 5
_TRAINING_SCENES = 8000
_LEARNING_RATE = 2e-3

# What each place allows.
_AT = {
    "beach": ("boat car bike", "kite ball castle rod guitar", "hat tire gull dog mud umbrella"),
    "forest": ("car bike bus", "tent horse flowers guitar", "bee mud map tire umbrella"),
    "city": ("train bus car", "statue guitar ducks ferris", "map hat tire dog umbrella"),
    "park": ("bike bus car", "kite ball ducks statue flowers guitar", "dog bee hat mud umbrella"),
    "mountain": ("train car bus", "snowman tent horse kite", "map hat mud tire umbrella"),
    "lake": ("boat car bike train", "rod ducks tent ball guitar", "gull hat mud bee umbrella"),
    "farm": ("car bike bus", "horse ducks flowers ball", "mud bee dog tire umbrella"),
    "fair": ("bus train car", "ferris guitar ball horse", "hat gull dog map umbrella"),
}
_SNOW_AT = ("forest", "city", "park", "mountain", "lake", "farm")
# What each weather rules out, whatever the place, and what only it allows.
_NOT_IN = {
    "rainy": {"stars", "sunset", "fireworks", "icecream"},
    "snowy": {"icecream", "flowers", "castle", "bee", "ducks", "rod", "corn"},
}
_ONLY_IN = {"umbrella": "rainy", "rainbow": "rainy", "snowman": "snowy"}


Album = tuple[Scene, ...]
"""The five scenes of an album."""


def draw_album(rng: random.Random) -> Album:
    """The five scenes of a random album. `rng`: `random.Random`."""
    place = rng.choice(grammar.PLACES)
    weather = rng.choice([w for w in grammar.WEATHERS if w != "snowy" or place in _SNOW_AT])
    people = rng.randint(1, grammar.MOST_PEOPLE)
    scenes = []
    for stage in grammar.STAGES:
        allowed = _AT[place][grammar.STAGES.index(stage)].split() if stage in grammar.STAGES[:3] else list(grammar.THINGS[stage])
        allowed = [t for t in allowed if t not in _NOT_IN.get(weather, ()) and _ONLY_IN.get(t, weather) == weather]
        scenes.append(Scene(stage, place, weather, people, rng.choice(allowed), rng.choice(grammar.COLORS)))
    return tuple(scenes)


def any_scene(rng: random.Random) -> Scene:
    """A scene in which everything is drawn independently, what no album has together included. `rng`: `random.Random`."""
    stage = rng.choice(grammar.STAGES)
    thing = rng.choice(list(grammar.THINGS[stage]))
    drawn = (rng.choice(grammar.PLACES), rng.choice(grammar.WEATHERS), rng.randint(1, grammar.MOST_PEOPLE))
    return Scene(stage, *drawn, thing, rng.choice(grammar.COLORS))


_FACTS = tuple(
    [("place", p) for p in grammar.PLACES] + [("weather", w) for w in grammar.WEATHERS]
    + [("people", n + 1) for n in range(grammar.MOST_PEOPLE)] + [("color", c) for c in grammar.COLORS]
    + [("thing", t) for things in grammar.THINGS.values() for t in things]
)  # fmt: skip


class PictureClassifier:
    """What a convolutional network sees in drawn pictures: see `picture_classifier`.

    Attributes:
        network: `keras.Model` from pictures in [-1, 1] to `[features, logits]`.
    """

    def __init__(self, network: "keras.Model") -> None:
        self.network = network

    def features(self, images: Array) -> Array:
        """Features of pictures in [-1, 1]: array `(count, 64)`, a tenth of the activations, so that their mean is that of ResNet's."""
        return 0.1 * self._outputs(images)[0]

    def see(self, images: Array) -> list[dict[str, str | int]]:
        """What is most likely true of each picture: a list of dicts of "place", "weather", "people", "thing" and "color"."""
        logits = self._outputs(images)[1]
        best = {kind: columns[0] + logits[:, columns].argmax(axis=1) for kind, columns in _COLUMNS.items()}
        return [{kind: _FACTS[column[i]][1] for kind, column in best.items()} for i in range(len(logits))]

    def _outputs(self, images: Array) -> Any:
        return self.network.predict(checks.images(images).astype("float32"), batch_size=256, verbose=0)


_COLUMNS = {
    kind: [i for i, fact in enumerate(_FACTS) if fact[0] == kind] for kind in ("place", "weather", "people", "color", "thing")
}


@functools.cache
def picture_classifier(scenes: int = _TRAINING_SCENES, epochs: int = 6, seed: int = 0) -> PictureClassifier:
    """A small convolutional network trained to see what drawn pictures show; its 64 features are the photo features of `albums`.

    The network of `kgan.metrics.attribute_classifier`, with a softmax for place, weather, number of people, thing and color each,
    trained on scenes in which all these are drawn independently. Some 40 seconds of a core, once: the weights are kept in
    `$KGAN_CACHE` or `~/.cache/kgan`.

    Args:
        scenes: default 8000. epochs: default 6. seed: default 0.

    Returns:
        `PictureClassifier`.
    """
    path = cache.folder() / f"albums_cnn64_v1_{scenes}_{epochs}_{seed}.npz"
    network = attribute_network((PICTURE_SIZE, PICTURE_SIZE, 3), len(_FACTS), np.random.default_rng(seed))
    stored = cache.load(path, [str(i) for i in range(len(network.weights))])
    if stored is not None and [a.shape for a in stored] == [tuple(w.shape) for w in network.weights]:
        network.set_weights(stored)
        return PictureClassifier(network)
    rng = random.Random(seed)
    drawn = [any_scene(rng) for _ in range(scenes)]
    labels = np.asarray([[fact in scene.facts() for fact in _FACTS] for scene in drawn], "float32")
    images = draw_scenes(drawn, PICTURE_SIZE, seed).astype("float32") / 127.5 - 1.0
    _train(network, images, labels, epochs, seed)
    cache.store(path, {str(i): array for i, array in enumerate(network.get_weights())})
    return PictureClassifier(network)


def _train(network: "keras.Model", images: Array, labels: Array, epochs: int, seed: int) -> None:
    import keras
    from keras import ops

    def surprise(truth: Tensor, logits: Tensor) -> Tensor:
        """Cross entropies of all kinds; a thing without a color has none to be guessed."""
        total = 0.0
        for columns in _COLUMNS.values():
            part, true = (x[:, columns[0] : columns[-1] + 1] for x in (logits, truth))
            total += ops.sum(true, axis=1) * ops.logsumexp(part, axis=1) - ops.sum(true * part, axis=1)
        return total

    logits = keras.Model(network.inputs, network.outputs[1], name="logits_of")
    schedule = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, epochs * (len(images) // 64))
    logits.compile(keras.optimizers.Adam(schedule), surprise)
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(images))[: len(images) // 64 * 64]
        logits.fit(images[order], labels[order], batch_size=64, shuffle=False, verbose=0)


class Albums(Stories):
    """Stories of drawn albums, with the truth about every picture. Made by `albums`.

    Attributes:
        scenes: dict of album to its five `Scene`.
        pictures: uint8 array `(albums * 5, size, size, 3)`, rows as in `features`.
    """

    def __init__(self, scenes: dict[str, Album], pictures: Array, features: Array, texts: Sequence[Story], writers: int) -> None:
        names = list(scenes)
        rows = np.arange(len(names) * PHOTOS).reshape(-1, PHOTOS).repeat(writers, axis=0)
        super().__init__(features, rows, texts, [name for name in names for _ in range(writers)])
        self.scenes, self.pictures = scenes, pictures


@functools.lru_cache(maxsize=8)
def albums(
    split: str = "train", count: int | None = None, writers: int = _WRITERS, seed: int = 0, classifier: Any = None
) -> Albums:
    """Albums of five drawn pictures 32x32, five stories each.

    Args:
        split: "train" (1,200 albums), "validation" (100) or "test" (200): different albums by different writers of one language.
        count: >= 1 or None (default): as many albums instead.
        writers: >= 1, default 5: stories of an album.
        seed: default 0: another world of the same kind, the same words.
        classifier: what gives the features: `picture_classifier()` (default), or anything with `features(images)`.

    Returns:
        `Albums`, kept in memory: do not change it.

    Example:
    >>> from kgan.stories import albums
    >>> class Mean:
    ...     def features(self, images):
    ...         return images.mean((1, 2))
    >>> some = albums("test", count=2, writers=1, classifier=Mean())
    >>> some.pictures.shape, some.photo_size, len(some.texts[0])
    ((10, 32, 32, 3), 3, 5)
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: {split!r}.")
    require(COUNT.or_none(), count=count)
    require(COUNT, writers=writers)
    usual, offset = SPLITS[split]
    rng = random.Random(1000 * seed + offset)
    scenes = {f"{split}-{index:04d}": draw_album(rng) for index in range(count or usual)}
    texts = [grammar.tell(album, rng) for album in scenes.values() for _ in range(writers)]
    pictures = draw_scenes([scene for album in scenes.values() for scene in album], PICTURE_SIZE, 1000 * seed + offset + 7)
    found = (classifier or picture_classifier()).features(pictures.astype("float32") / 127.5 - 1.0)
    return Albums(scenes, pictures, found, texts, writers)


@functools.cache
def album_vocabulary() -> Vocabulary:
    """`Vocabulary` of the training stories of `albums`: words seen more than five times."""
    rng = random.Random(SPLITS["train"][1])
    drawn = [draw_album(rng) for _ in range(SPLITS["train"][0])]
    return Vocabulary.of((s for album in drawn for _ in range(_WRITERS) for s in grammar.tell(album, rng)), more_than=5)
