"""Train a storyteller with a learned reward (Wang et al. 2018, 1804.09160): features, a warm start by cross-entropy, then AREL.

The defaults learn drawn albums on two CPU cores. The paper's run, on VIST's files with a .npy of ResNet-152 for every photo:

    python applications/arel/train.py --data vist:data/vist --setting paper --output runs/arel-vist
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer
from pages import draw_told
from sources import figures, source

from kgan import callbacks, runs
from kgan.files import write_json
from kgan.stories.sentences import PHOTOS

METRICS = {"bleu-rl": "bleu-4", "meteor-rl": "meteor", "rouge-rl": "rouge-l", "cider-rl": "cider-d"}
SYSTEMS = ("arel", "xe", "gan", *METRICS)

# Widths, shares dropped, learning rates, minibatches of a block, stories of a minibatch, epochs. The paper trains at most 100 epochs.
SETTINGS = {
    "small": {
        "units": 96, "filters": 64, "encoder_dropout": 0.0, "dropout": 0.1, "xe_rate": 4e-3, "rate": 4e-4, "reward_rate": 1e-3, "block": 10,
        "batch_size": 32, "xe_epochs": 12, "epochs": 6,
    },
    "paper": {
        "units": 512, "filters": 512, "encoder_dropout": 0.2, "dropout": 0.5, "xe_rate": 4e-4, "rate": 2e-4, "reward_rate": 2e-4,
        "block": 50, "batch_size": 64, "xe_epochs": 100, "epochs": 100,
    },
}  # fmt: skip


def story_stage(given, settings, system, sizes, about, start=None):
    """Train one system; `start` is the model file of the stage it goes on from."""
    stories, vocabulary = given.stories("train"), given.vocabulary
    length, size = given.sentence_length, stories.photo_size
    smoke, epochs = settings.smoke, settings.epochs
    steps = len(stories) * settings.passes // settings.batch_size

    def optimizer(rate, decay):
        rate = keras.optimizers.schedules.CosineDecay(rate, max(1, steps * epochs), alpha=0.05) if decay else rate
        return keras.optimizers.Adam(rate, beta_1=0.8, beta_2=0.999, epsilon=1e-8, global_clipnorm=10.0)

    def build(shape):
        drops = {name: sizes[name] for name in ("encoder_dropout", "dropout")}
        common = {
            "policy": kgan.stories.StoryPolicy(len(vocabulary), size, PHOTOS, length, sizes["units"], **drops),
            "seed": settings.seed,
        }
        judged = {"filters": sizes["filters"], **dict.fromkeys(("reward_steps", "policy_steps"), 1 if smoke else sizes["block"])}
        at_once = 1 if smoke else min(20, steps)
        if system == "xe":
            model = kgan.StoryXE(**common)
            model.compile({"policy": optimizer(sizes["xe_rate"], about["setting"] == "small")}, steps_per_execution=at_once)
            return model
        if system in METRICS:
            reward = kgan.stories.StoryReward.of_training(METRICS[system], vocabulary, stories)
            model = kgan.StoryRL(**common, metric=reward, rl_weight=about["rl_weight"])
        elif system == "gan":
            model = kgan.StoryGAN(**common, **judged, rl_weight=about["rl_weight"])
        else:
            model = kgan.AREL(**common, **judged, rl_weight=about["rl_weight"], squash=about["squash"], fusion=about["fusion"])
        model.start_from(runs.load(start))
        moves = {move: optimizer(sizes["rate"], False) for move in model.default_optimizers()}
        if "reward" in moves and about["setting"] == "small":
            moves["reward"] = keras.optimizers.Adam(sizes["reward_rate"], beta_1=0.5, weight_decay=1e-4, global_clipnorm=10.0)
        model.compile(moves, steps_per_execution=at_once)
        return model

    def data():
        options = {"seed": settings.seed, "passes": settings.passes}
        return stories.load(vocabulary, settings.batch_size, length, **options), (PHOTOS, size)

    names, photos, _ = given.stories("validation").by_album()

    def sample(model, count, seed):
        return model.tell(photos[:count])

    def measure(model, samples):
        told = dict(zip(names, vocabulary.decode_stories(samples), strict=False))
        if len(told) < len(names):  # a smoke run
            told |= dict(zip(names[len(told) :], vocabulary.decode_stories(model.tell(photos[len(told) :])), strict=True))
        found = figures(told, given, "validation")
        write_json(Path(settings.output) / "metric_versions.json", kgan.stories.metric_versions(found))
        write_json(Path(settings.output) / "stories-validation.json", {"split": "validation", "stories": told})
        if hasattr(model, "reward_of"):
            _, told_photos, human = given.stories("validation").by_album(1)
            human = vocabulary.encode_stories([story for (story,) in human], length)
            own = vocabulary.encode_stories(list(told.values()), length)
            found |= {
                f"reward_{name}": float(np.mean(model.reward_of(told_photos, ids)))
                for name, ids in (("human", human), ("told", own))
            }
        return found

    pixels = given.pictures("validation")

    def draw(path, samples, title):
        draw_told(path, vocabulary.decode_stories(samples[:3]), None if pixels is None else pixels[:3], names[:3], title)

    watching = []
    if about["setting"] == "paper":
        # The authors': rates halved, and the best weights again, after 4 (cross-entropy) or 10 evaluations without a better METEOR.
        _, _, human = given.stories("validation").by_album()
        human = [kgan.stories.join_stories(told_by) for told_by in human]

        def score(model):
            return kgan.stories.meteor(
                kgan.stories.join_stories(vocabulary.decode_stories(model.tell(photos))), human, beam_width=5
            )[0]

        patience = 4 if system == "xe" else 10
        watching = [callbacks.BestOnPlateau(score, "meteor[exact+stem]", patience, folder=Path(settings.output) / "best")]

    return runs.train(build, settings, {**about, **sizes, "system": system}, data, measure, draw, sample, watching)


@runs.options(
    without=(
        "average",
        "cache",
        "extractor",
        "held_out",
        "image_size",
        "keep",
        "learning_rate",
        "optimizer",
        "passes",
        "resize",
        "strategy",
    ),
    renamed={"data": "dataset"},
    outside=("system", "xe_epochs", "units"),
    output="runs/arel",
    checkpoint_every=1,
    picture_every=5,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    data: Annotated[str, typer.Option(help="albums (drawn), or vist:FOLDER")] = "albums",
    features: Annotated[str | None, typer.Option(help="VIST's folder of .npy files; default features/ in its folder")] = None,
    system: Annotated[str, typer.Option(help=", ".join(SYSTEMS))] = "arel",
    setting: Annotated[str, typer.Option(help="small, or paper: the authors' widths, rates, blocks and epochs")] = "small",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="passes after the warm start; default 6 (paper 100), half of it for a metric")
    ] = None,
    xe_epochs: Annotated[int | None, typer.Option(min=1, help="passes of the warm start; default 12 (paper 100)")] = None,
    units: Annotated[int | None, typer.Option(min=1, help="width of the policy; default 96 (paper 512)")] = None,
    squash: Annotated[str, typer.Option(help="of AREL's reward: softsign, tanh or linear")] = "softsign",
    fusion: Annotated[str, typer.Option(help="of text and photo in AREL's reward: add (the paper's) or product")] = "add",
    rl_weight: Annotated[
        float, typer.Option(min=0, max=1, help="of the reward; the rest is cross-entropy. Metrics are gamed with 1")
    ] = 0.5,
    batch_size: Annotated[int | None, typer.Option(min=2, help="stories of one step; default 32 (paper 64)")] = None,
):
    """Train the warm start, unless it is there, and a system on top of it; write figures, pictures, checkpoints and models to a folder."""

    def run():
        for name, value, allowed in (("system", system, SYSTEMS), ("setting", setting, tuple(SETTINGS))):
            if value not in allowed:
                raise ValueError(f"--{name} must be one of {', '.join(allowed)}. Received: {value!r}.")
        sizes = dict(SETTINGS[setting])
        # Half of the minibatches go to a learned reward: with half of the epochs a metric's policy moves as often.
        length = {system: epochs or sizes["epochs"] // (2 if system in METRICS else 1)}
        length["xe"] = xe_epochs or sizes["xe_epochs"]
        smoke, resume = settings.smoke, settings.resume
        size = 8 if smoke else batch_size or sizes["batch_size"]
        sizes = {name: value for name, value in sizes.items() if name not in ("batch_size", "xe_epochs", "epochs")}
        sizes |= {"units": 8, "filters": 4} if smoke else {"units": units or sizes["units"]}
        given = source(data, features, smoke)
        folder = Path(settings.output)
        for stage in dict.fromkeys(("xe", system)):
            place = folder / stage
            if (place / "metrics.json").exists() and (resume or stage != system):
                check_same(place, settings.seed, setting)
                print(f"{stage} in {place}/ is trained.")
                continue
            going_on = (resume or stage != system) and (place / "settings.json").exists()
            own = replace(settings, output=str(place), batch_size=size, epochs=length[stage], resume=going_on)
            story_stage(given, own, stage, sizes, about, folder / "xe" / "model.keras")
            if not (folder / "vocabulary.json").exists():
                given.vocabulary.save(folder / "vocabulary.json")

    runs.guarded(run)


def check_same(place, seed, setting):
    """Refuse what was trained with another seed or setting to stand for what is asked for."""
    stored = runs.read_settings(place)
    here = {"seed": seed, "setting": setting}
    if other := {name: stored[name] for name, value in here.items() if stored.get(name, value) != value}:
        raise ValueError(
            f"{place}/ was trained with {other}, not { ({name: here[name] for name in other}) }. Choose another folder."
        )


if __name__ == "__main__":
    typer.run(main)
