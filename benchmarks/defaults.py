"""The default run of every family: the shortest thing a user would type, on the data its docstring names, over a fixed budget.

    python -m benchmarks.defaults                       # every family, three seeds, at the budget and at four times the budget
    python -m benchmarks.defaults SNGAN GAN --seeds 0   # some
    python -m benchmarks.defaults --smoke               # seconds each, to see that everything runs

A cell is one family, one seed, one length; the longer training goes on from the shorter one. What is finished in the output folder stays,
so that a stopped run goes on where it was. The table says for every cell the figure, that of the same model before training, and whether
the default has learned by the bar of its kind of data. Families join by the `default` of their row in `tests/conformance/specs.py`.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kgan
from benchmarks.proofs import dtn
from kgan import pictures
from kgan.datasets.packages import need
from kgan.engine.game import minibatches_per_round
from kgan.files import atomic_write

COUNT = 898
"""Samples that figures are taken of: as many as the digits held out."""
EXAMPLES = 4000
"""Pictures that are drawn for a training, be it of a model or of a judge."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        arguments: `(model, seed) -> (x, y or None, batch size)`.
        figures: `(model, seed) -> dict`, of which "figure" is the one of the table, and "better" its name.
        learned: `(figures, untrained figures) -> bool`.
        draw: `(path, model, seed)`, the picture.
        bar: what `learned` asks, in words.
        fit: `(model, x, y, batch size, epochs)`, for models that make their rounds themselves; default: their `fit`.
    """

    arguments: Callable[..., Any]
    figures: Callable[..., dict[str, float]]
    learned: Callable[..., bool]
    draw: Callable[..., None]
    bar: str
    fit: Callable[..., None] | None = None

    def train(self, model, x, y, batch, epochs):
        """Train a model for so many epochs."""
        if self.fit is not None:
            self.fit(model, x, y, batch, epochs)
        else:
            model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def _title(model, about="samples"):
    return f"{type(model).__name__}: {about}"


def _samples(path, model, seed):
    pictures.save_samples(path, model.generate(64, seed=seed), clip=True, title=_title(model))


# Digits -----------------------------------------------------------------------------------------------------------------


def _digits_like(model, split):
    """scikit-learn's digits in the size that the model makes."""
    images, labels = kgan.datasets.arrays("digits", split)
    times = model.data_shape[0] // images.shape[1]
    return images.repeat(times, axis=1).repeat(times, axis=2), labels


def _as_digits(model, images):
    """Pictures of any multiple of 8 pixels, averaged to the 8x8 that the digit judge knows."""
    images = np.clip(images, -1.0, 1.0)
    if images.shape[1] < 8:  # a model that has not grown yet
        return images.repeat(8 // images.shape[1], axis=1).repeat(8 // images.shape[1], axis=2).astype("float32")
    times = images.shape[1] // 8
    return images.reshape(len(images), 8, times, 8, times, 1).mean((2, 4)).astype("float32")


def _digit_figures(images):
    judge = kgan.metrics.DigitClassifier()
    real, _ = kgan.datasets.arrays("digits", "test")
    report = {name.split("[")[0]: float(value) for name, value in kgan.metrics.digit_report(real, images).items()}
    probabilities = keras.ops.convert_to_numpy(judge.classify(judge.features(images)))
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(images)
    # A class is there if one sample in a hundred is of it: single stray pictures do not count.
    return {**report, "figure": report["frechet_distance"], "classes": int((shares >= 0.01).sum())}


def _digits_learned(found, untrained):
    return found["classes"] == 10 and found["figure"] <= untrained["figure"] / 10


DIGITS = Kind(
    lambda model, seed: (_digits_like(model, "train")[0], None, 64),
    lambda model, seed: _digit_figures(_as_digits(model, model.generate(COUNT, seed=seed))),
    _digits_learned,
    _samples,
    "all ten digits, and a tenth of the distance before training",
)


def _binary_digits(model, seed):
    return np.where(_digits_like(model, "train")[0] > 0.0, 1.0, -1.0).astype("float32"), None, 64


BINARY_DIGITS = dataclasses.replace(DIGITS, arguments=_binary_digits)


def _category_figures(model, seed):
    """The error on digits held out when every category is named by the digits trained on that fall into it."""
    (train, labels), (test, truth) = (_digits_like(model, split) for split in ("train", "test"))
    names, _ = kgan.metrics.name_clusters(model.classify(train).argmax(1), labels, model.classes)
    return {"figure": float((names[model.classify(test).argmax(1)] != truth).mean())}


CATEGORIES = dataclasses.replace(
    DIGITS,
    figures=_category_figures,
    learned=lambda found, untrained: found["figure"] <= 0.35,
    bar="without labels, categories that name 65 % of digits held out",
)

# Few labels -------------------------------------------------------------------------------------------------------------


def _flat_digits(split):
    """Digits as vectors in [0, 1], and their labels."""
    images, labels = kgan.datasets.arrays("digits", split)
    return (images.reshape(len(images), -1) + 1.0) / 2.0, labels


def _labeled_digits(model, seed):
    data, labels = kgan.datasets.semi_supervised(*_flat_digits("train"), labels_per_class=5, seed=seed)
    return data, labels, 50


def _error_figures(model, seed):
    images, labels = _flat_digits("test")
    return {"figure": float((model.classify(images).argmax(1) != labels).mean())}


LABELED_DIGITS = Kind(
    _labeled_digits,
    _error_figures,
    lambda found, untrained: found["figure"] <= 0.2,
    lambda path, model, seed: pictures.save_samples(
        path, model.generate(64, seed=seed).reshape(64, 8, 8, 1) * 2.0 - 1.0, clip=True, title=_title(model)
    ),
    "from five labels a class, an error of 20 % or less on digits held out",
)

# Points -----------------------------------------------------------------------------------------------------------------


def _ring_figures(model, seed):
    """Modes of the ring that have at least one sample in a hundred within a quarter of the distance between neighbors."""
    ring = kgan.datasets.ring()
    points = model.generate(2500, seed=seed)
    distances = np.linalg.norm(points[:, None] - ring.centers[None], axis=-1)
    reach = 0.25 * np.linalg.norm(ring.centers[0] - ring.centers[1])
    near = distances.min(1) < reach
    shares = np.bincount(distances.argmin(1)[near], minlength=len(ring.centers)) / len(points)
    high = kgan.metrics.mode_statistics(points, ring)["high_quality"]
    return {"figure": float((shares >= 0.01).sum()), "near": float(near.mean()), "high_quality": float(high)}


def _draw_points(path, model, seed):
    points, ring = model.generate(2500, seed=seed), kgan.datasets.ring()
    drawn, axes = pictures.figure(4, 4)
    axis = axes[0, 0]
    axis.plot(*points.T, ".", markersize=2, label="generated")
    axis.plot(*ring.centers.T, "x", label="centers of the data")
    axis.set(title=_title(model, "the ring"), aspect="equal", xlim=(-2, 2), ylim=(-2, 2))
    axis.legend()
    pictures.save_figure(path, drawn)


RING = Kind(
    lambda model, seed: (kgan.datasets.ring().sample(25_600, seed=seed), None, 256),
    _ring_figures,
    lambda found, untrained: found["figure"] >= 6,
    _draw_points,
    "six of the eight modes, each with a hundredth of the samples",
)

# Two domains ------------------------------------------------------------------------------------------------------------


def _domains(model, seed):
    images, _ = kgan.datasets.arrays("digits", "train")
    half = len(images) // 2
    return {"digits": images[:half], "negatives": -images[half : 2 * half]}, None, 64


def _domain_figures(model, seed):
    made = model.generate(COUNT, seed=seed)
    agreement, _ = kgan.metrics.pixel_agreement(-made["digits"], made["negatives"])
    return {**_digit_figures(_as_digits(model, made["digits"])), "agreement": agreement}


DOMAINS = Kind(
    _domains,
    _domain_figures,
    lambda found, untrained: _digits_learned(found, untrained) and found["agreement"] >= 0.8,
    _samples,
    "as digits, and pairs that agree in 80 % of their pixels",
)


def _unpaired_digits(model, seed):
    """The data of the proof, always those that the features were trained on."""
    data = dtn.domains(0)
    return {domain: data[domain][0] for domain in ("source", "target")}, None, 64


def _transfer_figures(model, seed):
    """The share of held-out digits on photographs that their five nearest plain digits name, once they are transferred."""
    neighbors = need("sklearn.neighbors", "data").KNeighborsClassifier(5)
    data = dtn.domains(0)
    (plain, labels), (source, _, truth) = data["target"], data["held"]
    neighbors.fit(plain.reshape(len(plain), -1), labels)
    read = [neighbors.score(images.reshape(len(images), -1), truth) for images in (model.transfer(source), source.mean(-1))]
    return {"figure": float(read[0]), "gray": float(read[1])}


def _draw_transfer(path, model, seed):
    source = dtn.domains(0)["held"][0][:16]
    rows = {"on photographs": source, "transferred": model.transfer(source).repeat(3, axis=-1)}
    pictures.save_rows(path, rows, _title(model, "digits held out"), clip=True)


TRANSFER = Kind(
    _unpaired_digits,
    _transfer_figures,
    lambda found, untrained: found["figure"] >= 0.6,
    _draw_transfer,
    "60 % of digits on photographs that their five nearest plain digits name",
)

# A simulator and what it simulates ---------------------------------------------------------------------------------------


def _glyphs(seed):
    return kgan.datasets.glyphs(COUNT, 8, height=32.0, stroke=1.0, seed=seed)


def _glyphs_and_digits(model, seed):
    sets = {"simulated": _glyphs(seed), "real": kgan.datasets.arrays("digits", "train")}
    least = min(len(labels) for _, labels in sets.values())
    return *({domain: own[part][:least] for domain, own in sets.items()} for part in (0, 1)), 64


def _refined_figures(model, seed):
    """The share of held-out digits that their five nearest refined glyphs name."""
    neighbors = need("sklearn.neighbors", "data").KNeighborsClassifier(5)
    glyphs, labels = _glyphs(seed + 100)
    images, truth = kgan.datasets.arrays("digits", "test")
    neighbors.fit(model.refine(glyphs).reshape(len(glyphs), -1), labels)
    return {"figure": float(neighbors.score(images.reshape(len(images), -1), truth))}


def _draw_refined(path, model, seed):
    glyphs, _ = _glyphs(seed + 100)
    rows = {"simulated": glyphs[:16], "refined": model.refine(glyphs[:16])}
    pictures.save_rows(path, rows, _title(model, "glyphs"), clip=True)


REFINED = Kind(
    _glyphs_and_digits,
    _refined_figures,
    lambda found, untrained: found["figure"] >= untrained["figure"] + 0.1,
    _draw_refined,
    "a tenth more of the digits held out that refined glyphs name, their five nearest",
)

# Objects on backgrounds -------------------------------------------------------------------------------------------------


def _placed(model, seed):
    digits, _ = kgan.datasets.arrays("digits", "train")
    return kgan.datasets.place(digits, EXAMPLES, model.data_shape[0], sizes=(8, 8), seed=seed)[0], None, 32


def _mask_figures(model, seed):
    """IoU of the masks with what stands out of its picture, and how far the backgrounds are from one gray level."""
    parts = model.compose(500, seed=seed)
    picture, inside = parts["canvases"][:, -1], parts["masks"].max(1) > 0.5
    ink = picture - np.median(picture, axis=(1, 2, 3), keepdims=True) > 0.5
    iou = (inside & ink).sum() / max(1, (inside | ink).sum())
    return {"figure": float(iou), "background": float(parts["canvases"][:, 0].std(axis=(1, 2, 3)).mean())}


def _draw_layers(path, model, seed):
    parts = model.compose(16, seed=seed)
    rows = {"background": parts["canvases"][:, 0], "mask": 2.0 * parts["masks"][:, 0] - 1.0, "picture": parts["canvases"][:, -1]}
    pictures.save_rows(path, rows, _title(model, "layers"), clip=True)


PLACED_DIGITS = Kind(
    _placed,
    _mask_figures,
    lambda found, untrained: found["figure"] >= 0.4,
    _draw_layers,
    "masks with an IoU of 0.4 with the digits of their pictures",
)

# Tags with codes --------------------------------------------------------------------------------------------------------


def _tags(model, seed):
    return kgan.datasets.in_photos(*kgan.datasets.tags(EXAMPLES, seed=seed)[:2], seed=seed), None, 32


def _tag_figures(model, seed):
    """Bits of 12 that a network reads wrong in photographed tags, after training on generated ones; 6 by chance."""
    images, bits, _ = model.labeled(EXAMPLES, seed=seed)
    reader = kgan.networks.rendered.decoder(model.data_shape, model.bits)
    reader.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    reader.fit(images, bits.astype("float32"), batch_size=64, epochs=5, verbose=0)
    held, masks, labels = kgan.datasets.tags(500, seed=100)
    seen = kgan.datasets.in_photos(held, masks, kgan.datasets.TEST_PHOTOS, seed=100)
    return {"figure": kgan.metrics.mean_hamming_distance(labels[:, : model.bits], reader.predict(seen, verbose=0))}


TAGS = Kind(
    _tags,
    _tag_figures,
    lambda found, untrained: found["figure"] <= 2.0,
    _samples,
    "two bits of twelve, or fewer, read wrong in photographed tags",
)

# Labels and images of labels --------------------------------------------------------------------------------------------

GRAPH = "faces"


def _truth(count, seed):
    return kgan.causal.structural_model(GRAPH).sample(count, seed=seed)


def _label_figures(model, seed):
    truth = kgan.metrics.label_distribution(_truth(20_000, 1).matrix())
    return {"figure": float(kgan.metrics.total_variation(truth, kgan.metrics.label_distribution(model.sample(5000, seed=seed))))}


def _draw_shares(path, model, seed):
    made, truth = model.sample(5000, seed=seed), _truth(5000, 1)
    drawn, axes = pictures.figure(6, 3)
    axis, names = axes[0, 0], list(made)
    axis.plot([float(np.mean(truth[n])) for n in names], "o", label="data")
    axis.plot([float(np.mean(made[n])) for n in names], "x", label="controller")
    axis.set(title=_title(model, "share of every label"), ylim=(0, 1), ylabel="share")
    axis.set_xticks(range(len(names)), names, rotation=30)
    axis.legend()
    pictures.save_figure(path, drawn)


LABELS = Kind(
    lambda model, seed: (_truth(20_000, seed).matrix(), None, 64),
    _label_figures,
    lambda found, untrained: found["figure"] <= 0.15,
    _draw_shares,
    "a total variation of 0.15 or less",
)


def _faces(model, seed):
    labels = _truth(EXAMPLES, seed)
    return kgan.datasets.draw_faces(labels, size=model.image_shape[0], seed=seed), labels.matrix(), 64


@functools.lru_cache(maxsize=1)  # the same before and after a training
def _face_judge(nodes, size):
    rng = np.random.default_rng(7)
    coins = {name: rng.integers(0, 2, EXAMPLES) for name in nodes}
    return kgan.metrics.attribute_classifier(
        kgan.datasets.draw_faces(coins, size=size, seed=7), np.stack(list(coins.values()), 1), list(coins), epochs=4
    )


def _face_figures(model, seed):
    judge = _face_judge(tuple(model.graph.nodes), model.image_shape[0])
    images, samples = model.sample(500, seed=seed)
    labels = np.stack([samples[name] for name in model.graph.nodes], axis=1)
    found = kgan.metrics.attribute_agreement(judge, images, labels, balanced=True)
    return {"figure": float(np.mean(list(found.values()) if isinstance(found, dict) else found))}


FACES = Kind(
    _faces,
    _face_figures,
    lambda found, untrained: found["figure"] >= 0.8,
    lambda path, model, seed: pictures.save_samples(path, model.sample(64, seed=seed)[0], clip=True, title=_title(model)),
    "labels and images that agree in 80 % (balanced)",
)

# Shapes -----------------------------------------------------------------------------------------------------------------


def _solids(model, seed):
    voxels, _ = kgan.shapes.solids(2000, size=model.data_shape[0], seed=seed)
    return voxels, None, 100


def _shape_figures(model, seed):
    """Generated shapes that are one piece, and the mean IoU with the nearest of held-out ones."""
    held_out, _ = kgan.shapes.solids(300, size=model.data_shape[0], seed=11)
    made = (model.generate(100, seed=seed) >= 0.5).astype("float32").reshape(100, -1)
    real = held_out.astype("float32").reshape(len(held_out), -1)
    both = made @ real.T
    iou = both / np.maximum(made.sum(1)[:, None] + real.sum(1)[None] - both, 1.0)
    nearest = iou.argmax(1)
    return {"figure": float(iou.max(1).mean()), "different": len(set(nearest.tolist()))}


SHAPES = Kind(
    _solids,
    _shape_figures,
    lambda found, untrained: found["figure"] >= 0.6 and found["different"] >= 15,
    lambda path, model, seed: pictures.save_samples(path, model.generate(25, seed=seed), clip=True, title=_title(model)),
    "an IoU of 0.6 with the nearest held-out shape, 15 different ones among 100",
)


def _shapes_and_views(model, seed):
    voxels, _, batch = _solids(model, seed)
    return {"shapes": voxels, "views": kgan.shapes.views(voxels, model.image_shape[0])}, None, batch


SHAPES_AND_VIEWS = dataclasses.replace(SHAPES, arguments=_shapes_and_views)

# Messages ---------------------------------------------------------------------------------------------------------------


def _covers(model, seed):
    patches, _ = kgan.datasets.arrays("photo_patches", "train", model.image_shape[0])
    return patches.repeat(model.image_shape[-1] // patches.shape[-1], axis=-1), None, 32


def _message_figures(model, seed):
    patches, _ = kgan.datasets.arrays("photo_patches", "test", model.image_shape[0])
    covers = patches[:200].repeat(model.image_shape[-1] // patches.shape[-1], axis=-1)
    bits = np.random.default_rng(seed).integers(0, 2, (len(covers), model.message_length))
    stego = model.hide(covers, bits)
    return {"figure": float((model.reveal(stego) == bits).mean()), "psnr": float(np.mean(kgan.metrics.psnr(covers, stego)))}


def _draw_messages(path, model, seed):
    covers = _covers(model, seed)[0][:16]
    rows = {"cover": covers, "stego": model.generate(16, condition=covers, seed=seed)}
    pictures.save_rows(path, rows, _title(model, "random messages"), clip=True)


MESSAGES = Kind(
    _covers,
    _message_figures,
    lambda found, untrained: found["figure"] >= 0.9,
    _draw_messages,
    "90 % of the bits",
)

# Stories ----------------------------------------------------------------------------------------------------------------


def _albums(model, seed):
    train = kgan.stories.albums("train", count=400)
    photos, stories = train.arrays(kgan.stories.album_vocabulary(), model.sentence_length)
    return photos, stories, 32


def _story_figures(model, seed):
    albums = kgan.stories.albums("test", count=60)
    _, photos, references = albums.by_album()
    told = kgan.stories.album_vocabulary().decode_stories(model.tell(photos))
    joined = [kgan.stories.join_stories(given) for given in references]
    score = kgan.stories.meteor(kgan.stories.join_stories(told), joined)[0]
    return {"figure": float(score)}


def _write_story(path, model, seed):
    albums = kgan.stories.albums("test", count=60)
    _, photos, _ = albums.by_album()
    told = kgan.stories.album_vocabulary().decode_stories(model.tell(photos[:3]))
    Path(path).with_suffix(".txt").write_text("\n\n".join("\n".join(story) for story in told) + "\n")


STORIES = Kind(
    _albums,
    _story_figures,
    lambda found, untrained: found["figure"] >= 0.15,
    _write_story,
    "a METEOR of 15 % or more on albums held out",
)

# Clips ------------------------------------------------------------------------------------------------------------------


def _held_out_clips(model):
    frames, size = model.data_shape[0], model.frame_shape[0]
    clips = kgan.datasets.panning_clips(200, frames, size, "test", seed=1)
    return clips[:, : model.past_frames], clips[:, model.past_frames :]


def _clip_figures(model, seed):
    """Decibels that the last predicted frame is nearer to the true one than the copy of the last frame seen."""
    past, future = _held_out_clips(model)
    report = kgan.metrics.prediction_report(past, future, model.predict_frames(past))
    return {
        "figure": report["psnr"][-1] - report["copy_psnr"][-1],
        "score": report["score"][0],
        "sharpness": report["sharpness"][-1],
    }


def _draw_clips(path, model, seed):
    past, future = _held_out_clips(model)
    pictures.save_clips(path, past[:6], model.predict_frames(past[:6]), future[:6], _title(model, "clips held out"))


CLIPS = Kind(
    lambda model, seed: (kgan.datasets.panning_clips(1200, model.data_shape[0], model.frame_shape[0], seed=seed), None, 8),
    _clip_figures,
    lambda found, untrained: found["figure"] >= 0.5,
    _draw_clips,
    "half a decibel more than the copy of the last frame, on other photos",
)

# Pairs of frames --------------------------------------------------------------------------------------------------------

SEEN, UNSEEN = ("astronaut", "camera", "coffee"), ("chelsea", "rocket", "brick")


def _frame_pairs(model, seed):
    size = model.frame_shape[0]
    labeled = kgan.datasets.flow_examples(*kgan.datasets.warped_pairs(64, size, SEEN, seed=seed))
    others, _ = kgan.datasets.warped_pairs(512, size, UNSEEN, shift=(2.5, 2.5), seed=seed + 100)
    again = np.random.default_rng(seed).integers(0, len(labeled), len(others))
    return {"labeled": labeled[again], "unlabeled": others}, None, 8


def _held_out_pairs(model):
    return kgan.datasets.warped_pairs(200, model.frame_shape[0], UNSEEN, shift=(2.5, 2.5), seed=999)


def _flow_figures(model, seed):
    pairs, truth = _held_out_pairs(model)
    return {"figure": kgan.metrics.mean_end_point_error(model.flow(pairs[..., :1], pairs[..., 1:]), truth)}


def _draw_flow(path, model, seed):
    pairs, truth = (part[:6] for part in _held_out_pairs(model))
    pictures.save_flow(path, pairs[..., :1], model.flow(pairs[..., :1], pairs[..., 1:]), truth, _title(model, "pairs held out"))


PAIRS = Kind(
    _frame_pairs,
    _flow_figures,
    lambda found, untrained: found["figure"] <= 1.7,
    _draw_flow,
    "an end-point error of 1.7 pixels on other photos, where no motion at all has 2.0",
)

# Demonstrations ---------------------------------------------------------------------------------------------------------


def _walks(model, seed):
    world = kgan.control.PointMass(50)
    told = np.eye(2, dtype="float32")[np.arange(50) % 2]
    return kgan.control.Demonstrations.record(world, world.expert, told, range(1000 * seed, 1000 * seed + 50)), None, 64


def _imitate(model, x, y, batch, epochs):
    model.imitate(kgan.control.PointMass(batch), x, epochs=epochs, steps_per_epoch=2, verbose=0)


def _walk_figures(model, seed):
    """What the intention says about the goal that is reached, in nats, and the share of episodes that reach one."""
    world, told = kgan.control.PointMass(256), np.arange(256) % 2
    distances = world.distances(model.play(world, told, range(10**6, 10**6 + 256)).last)
    reached = distances.min(-1) < 0.4
    shared = kgan.metrics.shared_information(told, np.where(reached, distances.argmin(-1), 2))
    return {"figure": shared, "reached": float(reached.mean())}


def _draw_walks(path, model, seed):
    world, told = kgan.control.PointMass(4), [0, 1, 0, 1]
    names, played = [f"intention {index}" for index in told], model.play(world, told, [0, 0, 1, 1])
    strip = kgan.control.draw_strip(world, played.observations, row_names=names, title=_title(model, "the plane"))
    pictures.save_image(path, strip)


DEMONSTRATIONS = Kind(
    _walks,
    _walk_figures,
    lambda found, untrained: found["figure"] >= 0.5 and found["reached"] >= 0.8,
    _draw_walks,
    "half a nat of the intention in the goal that is reached, which eight episodes of ten do",
    _imitate,
)

KINDS = {
    "albums": STORIES,
    "binary digits": BINARY_DIGITS,
    "categories": CATEGORIES,
    "pairs": PAIRS,
    "clips": CLIPS,
    "demonstrations": DEMONSTRATIONS,
    "digits": DIGITS,
    "domains": DOMAINS,
    "faces": FACES,
    "labeled digits": LABELED_DIGITS,
    "labels": LABELS,
    "messages": MESSAGES,
    "placed digits": PLACED_DIGITS,
    "refined": REFINED,
    "ring": RING,
    "shapes": SHAPES,
    "shapes and views": SHAPES_AND_VIEWS,
    "tags": TAGS,
    "transfer": TRANSFER,
}


# Cells ------------------------------------------------------------------------------------------------------------------


def defaults():
    """Name of every exported family to its kind of data and `(seed) -> model`."""
    from tests.conformance.specs import SPECS

    return {spec.family.__name__: spec.default for spec in SPECS.values() if spec.default is not None}


SHARED_OUT = ("AdaGAN", "ProGAN")
"""Families that share the epochs of a first fit among their phases: every length is a training of its own."""


def epoch_seconds(name):
    """Seconds of a core that an epoch of a default takes, timed on a model that is thrown away."""
    kind_name, build = defaults()[name]
    kind, model = KINDS[kind_name], build(0)
    model.compile()
    x, y, batch = kind.arguments(model, 0)
    kind.train(model, x, y, batch, 1)  # traces
    start = time.process_time()
    kind.train(model, x, y, batch, 1)
    return max(time.process_time() - start, 1e-3)


def cells(name, seed, epochs, folder):
    """Train one default and measure it on the way: a line of the results for each of its lengths.

    Args:
        epochs: seconds of a budget to its epochs. The longer ones go on from the shorter ones, as a user would who calls `fit` again,
            except in families that share a first fit out. 0 seconds are two rounds.
    """
    kind_name, build = defaults()[name]
    kind, model, used, played = KINDS[kind_name], None, 0.0, 0
    for seconds, until in sorted(epochs.items()):
        if model is None or name in SHARED_OUT:
            keras.utils.set_random_seed(seed)
            model, used, played = build(seed), 0.0, 0
            model.compile()
            untrained = kind.figures(model, seed) if seconds else None  # of two rounds the figures mean nothing
            x, y, batch = kind.arguments(model, seed)
            if not seconds and kind.fit is None:  # smoke: two rounds
                few = 2 * batch * minibatches_per_round(model.turns())
                x, y = (None if arrays is None else keras.tree.map_structure(lambda a, n=few: a[:n], arrays) for arrays in (x, y))
        start = time.process_time()
        if until > played:
            kind.train(model, x, y, batch, until - played)
        used, played = used + time.process_time() - start, max(played, until)
        found = kind.figures(model, seed)
        before = untrained or found
        kind.draw(folder / f"{name}_{seconds:g}s_seed{seed}.png", model, seed)
        yield {
            "family": name,
            "data": kind_name,
            "seed": seed,
            "seconds": seconds,
            "used": round(used, 1),
            "epochs": until,
            "rounds": int(model.optimizer.iterations),
            "untrained": round(before["figure"], 3),
            **{key: round(float(value), 3) for key, value in found.items()},
            "learned": bool(kind.learned(found, before)),
        }


def table(lines):
    """The results as Markdown: a row a family and length, the figure of every seed, those that have not learned in bold."""
    seeds = sorted({line["seed"] for line in lines})
    head = ["family", "data", "seconds", "rounds", "before", *(f"seed {seed}" for seed in seeds), "learned"]
    rows = [head, ["---"] * len(head)]
    for key in dict.fromkeys((line["family"], line["seconds"]) for line in lines):
        own = {line["seed"]: line for line in lines if (line["family"], line["seconds"]) == key}
        first = next(iter(own.values()))
        shown = [f"{own[s]['figure']:g}" if s in own else "" for s in seeds]
        marked = [f"**{v}**" if s in own and not own[s]["learned"] else v for s, v in zip(seeds, shown, strict=True)]
        learned = f"{sum(line['learned'] for line in own.values())} of {len(own)}"
        rows.append([key[0], first["data"], f"{key[1]:g}", f"{first['rounds']}", f"{first['untrained']:g}", *marked, learned])
    bars = [f"- {name}: {kind.bar}." for name, kind in sorted(KINDS.items()) if any(line["data"] == name for line in lines)]
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", "Learned means:", "", *bars]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", help="names of families; default all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=120.0, help="of one core, for one run (default: 120)")
    parser.add_argument("--times", type=float, nargs="+", default=[1.0, 4.0], help="lengths in budgets (default: 1 and 4)")
    parser.add_argument("--output", default="runs/defaults", help="folder of results.jsonl, table.md and the pictures")
    parser.add_argument("--smoke", action="store_true", help="one epoch of every family; figures mean nothing")
    args = parser.parse_args()
    known = defaults()
    if unknown := sorted(set(args.families) - set(known)):
        parser.error(f"no default of {unknown}; known: {', '.join(sorted(known))}")
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    lengths = [0.0] if args.smoke else [args.seconds * times for times in args.times]
    for seed, name in itertools.product(args.seeds[:1] if args.smoke else args.seeds, args.families or sorted(known)):
        own = [line for line in lines if line["family"] == name]
        missing = [s for s in lengths if not any((line["seed"], line["seconds"]) == (seed, s) for line in own)]
        if not missing:
            continue
        print(f"{name}, seed {seed}, {', '.join(f'{s:g}' for s in missing)} s", file=sys.stderr, flush=True)
        # All seeds of a row have as many rounds.
        epochs = {0.0: 1} | {line["seconds"]: line["epochs"] for line in own}
        if any(seconds not in epochs for seconds in missing):
            one = epoch_seconds(name)
            epochs = {s: max(1, round(s / one)) for s in missing} | epochs
        for line in cells(name, seed, {s: epochs[s] for s in missing}, folder):
            with results.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            lines.append(line)
            atomic_write(folder / "table.md", lambda path: Path(path).write_text(table(lines)))
        keras.backend.clear_session()
    if not args.smoke and not all(line["learned"] for line in lines):
        sys.exit(1)


if __name__ == "__main__":
    main()
