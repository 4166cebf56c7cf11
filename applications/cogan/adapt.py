"""Unsupervised domain adaptation with coupled GANs (Liu and Tuzel 2016, 1606.07536): labels in one domain, a classifier for the other.

The defaults take scikit-learn's digits with their labels, and negatives of other digits without. The paper's MNIST to USPS:

    python applications/cogan/adapt.py --source tfds:mnist --pair usps:usps.npz --source-count 2000 --target-count 1800 \
        --epochs 50 --passes 10 --output runs/mnist-usps
"""

from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer

from kgan import runs


@runs.options(
    without=("average", "cache", "extractor", "held_out", "keep", "resize", "strategy"),
    renamed={"source": "dataset"},
    output="runs/cogan-adapt",
    epochs=5,
    passes=36,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    pair: Annotated[str, typer.Option(help="edges, negatives, thick or usps:FILE.npz")] = "negatives",
    source: Annotated[str, typer.Option(help="images of the first domain: digits or tfds:<name>")] = "digits",
    reverse: Annotated[bool, typer.Option("--reverse", help="labels in the second domain instead of the first")] = False,
    image_size: Annotated[int | None, typer.Option(min=8, help="resize images to this many pixels")] = None,
    source_count: Annotated[int | None, typer.Option(min=1, help="labeled images, drawn at random; default all")] = None,
    target_count: Annotated[int | None, typer.Option(min=1, help="images trained on without labels; default two thirds")] = None,
    classification_weight: Annotated[
        float | None, typer.Option(min=0, help="of the labeled cross-entropy; default 1 below 28 pixels, else the authors' 20")
    ] = None,
    feature_weight: Annotated[
        float | None,
        typer.Option(min=0, help="of the distance of pairs' features; default 0.1 below 28 pixels, else the authors' 0.02"),
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(min=0, max=0.9, help="in the discriminator; default 0.5 below 28 pixels, else the authors' 0")
    ] = None,
    width: Annotated[float, typer.Option(min=0.01, help="factor of all channel counts; 1 is the paper's")] = 1.0,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="default 0 below 28 pixels, else the authors' 1e-3")] = None,
):
    """Train a classifier on one domain for another; write its accuracies, those of the same network without the game, and the model.

    `accuracy_transductive` is that on the unlabeled images the game was trained on, the paper's protocol; `accuracy` that on the others.
    """
    sets, models = {}, []

    def data():
        domains, labels = kgan.datasets.load_domains(pair, source, image_size, settings.batch_size, settings.seed)
        if not labels:
            raise ValueError(f"The domains of {pair!r} have no labels. Take edges, negatives, thick or usps:FILE.npz.")
        names = list(reversed(domains)) if reverse else list(domains)
        rng = np.random.default_rng(settings.seed)
        for role, name, count in zip(("source", "target"), names, (source_count, target_count), strict=True):
            order = rng.permutation(len(domains[name]))
            kept = count or (len(order) if role == "source" else len(order) * 2 // 3)
            if kept > len(order):
                raise ValueError(f"{name!r} has {len(order)} images, fewer than the {kept} asked for.")
            parts = order[:kept], order[kept:]
            sets[role] = name, [(domains[name][part], labels[name][part]) for part in parts]
        (own, ((x, y), _)), (other, ((unlabeled, _), _)) = sets["source"], sets["target"]
        shapes = {own: x.shape[1:], other: unlabeled.shape[1:]}
        return kgan.datasets.unpaired(
            {own: x, other: unlabeled}, settings.batch_size, labels={own: y}, passes=settings.passes, seed=settings.seed
        ), shapes

    def build(shapes):
        small = next(iter(shapes.values()))[0] < 28

        def default(given, below, paper):
            return given if given is not None else below if small else paper

        models[:] = [
            kgan.CoGAN(
                shapes,
                classes=1 + max(int(y.max()) for _, parts in sets.values() for _, y in parts if len(y)),
                classification_weight=default(classification_weight, 1.0, 20.0),
                feature_weight=default(feature_weight, 0.1, 0.02),
                dropout=default(dropout, 0.5, 0.0),
                width=width,
                latent_size=32 if small else 100,
                weight_decay=default(weight_decay, 0.0, 1e-3),
                seed=settings.seed,
            )
        ]
        models[0].compile()
        return models[0]

    def measure(_, samples):
        (own, ((x, y), _)), (other, target) = sets["source"], sets["target"]
        (model,) = models
        # The same network on labeled images alone; it has no other first layer than its own domain's.
        alone = keras.models.clone_model(model.classifier_of(own))
        alone.compile(keras.optimizers.Adam(2e-4, 0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batch_size, seen = settings.batch_size, settings.epochs * settings.passes * max(len(x), len(target[0][0]))
        rounds = 2 if settings.smoke else seen // batch_size
        alone.fit(x, y, batch_size=batch_size, epochs=max(1, rounds * batch_size // len(x)), verbose=0)
        figures = {"labeled_accuracy": share(model.classify(x, own), y)}
        for suffix, (images, truth) in zip(("_transductive", ""), target, strict=True):
            if len(images):
                figures[f"accuracy{suffix}"] = share(model.classify(images, other), truth)
                figures[f"source_only_accuracy{suffix}"] = share(alone.predict(images, verbose=0), truth)
        return figures

    runs.guarded(lambda: runs.train(build, settings, about, data, measure))


def share(predicted, truth):
    """Accuracy."""
    return float((np.asarray(predicted).argmax(-1) == truth).mean())


if __name__ == "__main__":
    typer.run(main)
