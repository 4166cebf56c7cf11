"""Train CausalGAN (Kocaoglu et al. 2018, 1709.02023): first the causal controller on labels, then images of labels.

The defaults learn drawn faces of five attributes on two CPU cores. The paper's run on CelebA, 30,000 controller updates and 33,000
rounds of images, 100,000 steps of the authors' loop:

    python applications/causalgan/train.py --data celeba:data/celeba --setting paper --controller-epochs 150 --epochs 11 \
        --output runs/causalgan-celeba
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer
from sources import Draws, source

from kgan import metrics, pictures, runs
from kgan.networks import causal, mlp

ROUNDS = 200
"""Updates of the controller in one epoch of its stage."""


def controller_stage(given, settings, setting):
    """The causal controller on labels alone."""
    labels = given.labels()
    steps = 20 if setting == "paper" else 5
    drawn = Draws(labels, settings.batch_size, ROUNDS * steps, settings.seed)

    def build(shape):
        if setting == "paper":
            model = kgan.CausalController(given.graph, seed=settings.seed)
            model.compile()
            return model
        # The same networks of labels; a wider critic and larger steps that end small: a tenth of the authors' updates.
        critic = mlp.discriminator(shape, (64, 64), 0.2)
        model = kgan.CausalController(
            given.graph, discriminator=critic, penalty_weight=10.0, discriminator_steps=steps, seed=settings.seed
        )
        moves = {"discriminator": steps, "generator": 1}
        rates = {m: kgan.optimizers.HoldThenDecay(1e-3, n * ROUNDS * settings.epochs) for m, n in moves.items()}
        model.compile({m: keras.optimizers.Adam(rate, 0.0, 0.9) for m, rate in rates.items()}, steps_per_execution=ROUNDS // 2)
        return model

    def measure(model, samples):
        made = model.sample(20_000 if not settings.smoke else 200, seed=settings.seed)
        found = {f"share_{node}": float(values.mean()) for node, values in made.items()}
        if len(given.graph) <= 20:
            truth = given.truth.joint().ravel() if _knows(given) else metrics.label_distribution(labels)
            found["total_variation"] = metrics.total_variation(truth, metrics.label_distribution(made))
        return found

    def draw(path, samples, title):
        draw_shares(path, given.graph.nodes, {"data": labels.mean(0), "controller": np.round(samples).mean(0)}, title)

    about = {"setting": setting, "edges": repr(given.graph)}
    return runs.train(build, settings, about, lambda: (drawn, (len(given.graph),)), measure, draw)


def image_stage(given, settings, controller, system, filters, setting):
    """Images of the labels that the trained controller draws."""
    size = settings.image_size or given.size
    networks = {}
    if setting != "paper" and system == "causalgan":
        built = causal.image_networks((size, size, 3), len(given.graph), 100, filters, kernels=20, kernel_size=8, epsilon=1e-3)
        networks = dict(zip(("generator", "discriminator", "labeler", "anti_labeler"), built, strict=True))
        # A hundredth of the paper's rounds: the anti-labeler's part has to end earlier, too.
        networks["anti_labeler_decay"] = 1000.0

    def build(shape):
        family = {"causalgan": kgan.CausalGAN, "causalbegan": kgan.CausalBEGAN}[system]
        sizes = networks or {"filters": filters}
        model = family(runs.load(controller), shape, **sizes, seed=settings.seed)
        # A hundredth of the paper's rounds wants larger steps than the paper's.
        faster = {move: keras.optimizers.Adam(5e-4, beta_1=0.5) for move in model.default_optimizers()} if networks else None
        model.compile(faster)
        return model

    def measure(model, samples):
        if given.judge is None or settings.smoke:
            return {}
        judge = given.judge(size, settings.seed)
        coin = np.random.default_rng(settings.seed).integers(0, 2, (len(samples), len(given.graph)))
        images = model.generate(len(coin), condition=coin, seed=settings.seed)
        agreement = metrics.attribute_agreement(judge, images, coin)
        return {f"agreement_{node}[{judge.name}]": share for node, share in agreement.items()}

    about = {"setting": setting, "system": system, "filters": filters, "edges": repr(given.graph)}
    return runs.train(build, settings, about, lambda: (given.pairs(size, settings.batch_size), (size, size, 3)), measure)


def draw_shares(path, nodes, shares, title):
    """Bars of P(label = 1), a color for every entry of `shares`."""
    drawn, axes = pictures.figure(1.5 + 0.8 * len(nodes), 3.5)
    axis, width = axes[0, 0], 0.8 / len(shares)
    for i, (name, values) in enumerate(shares.items()):
        axis.bar(np.arange(len(nodes)) + i * width, values, width, label=name)
    axis.set_xticks(np.arange(len(nodes)) + 0.4 - width / 2, nodes, rotation=30, ha="right")
    axis.set_ylabel("share of label 1")
    pictures.title_figure(drawn, title, size=10)
    axis.legend()
    pictures.save_figure(path, drawn)


def _knows(given):
    return given.truth is not None and given.truth.graph.nodes == given.graph.nodes


@runs.options(
    without=("cache", "dataset", "extractor", "held_out", "keep", "learning_rate", "optimizer", "passes", "resize", "strategy"),
    output="runs/causalgan",
    checkpoint_every=1,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    _: dict[str, Any],
    data: Annotated[str, typer.Option(help="faces (drawn), celeba:FOLDER or tfds:celeb_a")] = "faces",
    table: Annotated[str | None, typer.Option(help="your own labels: a CSV of file name and labels of 0 and 1")] = None,
    images: Annotated[str | None, typer.Option(help="the folder of its images")] = None,
    graph: Annotated[str | None, typer.Option(help="a named graph (faces, celeba, celeba_complete) or a file")] = None,
    stage: Annotated[str, typer.Option(help="both, controller or images")] = "both",
    system: Annotated[str, typer.Option(help="causalgan or causalbegan")] = "causalgan",
    setting: Annotated[str, typer.Option(help="small, or paper: the authors' networks and constants")] = "small",
    image_size: Annotated[int | None, typer.Option(min=8, help="pixels; default 16 for drawn faces, 64 else")] = None,
    filters: Annotated[int | None, typer.Option(min=1, help="width of the image networks; default 16, or the paper's")] = None,
    controller_epochs: Annotated[int, typer.Option(min=1, help="epochs of the first stage, of 200 updates")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="epochs of the second stage, of one pass over the images")] = 12,
    batch_size: Annotated[int | None, typer.Option(min=2, help="examples of one move, images; default 64")] = None,
    average: Annotated[
        float | None,
        typer.Option(min=0, max=0.99999, help="decay of the image generator's average; default 0.995, or the paper's 0"),
    ] = None,
):
    """Train the controller and the images, or one of them, and write pictures, figures, checkpoints and models to a folder."""

    def run():
        output, resume = settings.output, settings.resume
        for name, value, allowed in (
            ("stage", stage, ("both", "controller", "images")),
            ("system", system, ("causalgan", "causalbegan")),
            ("setting", setting, ("small", "paper")),
        ):
            if value not in allowed:
                raise ValueError(f"--{name} must be one of {', '.join(allowed)}. Received: {value!r}.")
        given = source(data, graph, table, images, settings.seed)
        common = replace(settings, dataset=table or data)
        first, second = Path(output) / "controller", Path(output) / "images"
        if stage != "images":
            if resume and (first / "metrics.json").exists():
                print(f"The controller in {first}/ is trained.")
            else:
                own = replace(
                    _stage(common, first),
                    image_size=None,
                    epochs=controller_epochs,
                    batch_size=16 if setting == "paper" else 256,
                    average=0.0 if setting == "paper" else 0.995,
                    picture_every=5,
                )
                controller_stage(given, own, setting)
        if stage != "controller":
            if not (first / "model.keras").exists():
                raise FileNotFoundError(f"There is no trained controller in {first}/. Run --stage controller, or both, first.")
            width = filters or {"small": 16, "paper": 128 if system == "causalbegan" else 64}[setting]
            decay = (0.0 if setting == "paper" else 0.995) if average is None else average
            size = batch_size or (16 if system == "causalbegan" else 64)
            own = replace(_stage(common, second), batch_size=size, average=decay)
            image_stage(given, own, first / "model.keras", system, width, setting)

    runs.guarded(run)


def _stage(settings, folder):
    """The settings of a stage, which is resumed only if it has begun."""
    return replace(settings, output=str(folder), resume=settings.resume and (folder / "settings.json").exists())


if __name__ == "__main__":
    typer.run(main)
