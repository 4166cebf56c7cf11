"""Imitate mixed demonstrations of several skills (Hausman et al. 2017, "Multi-Modal Imitation Learning from Unstructured Demonstrations").

The defaults learn to walk to two goals in the plane from 50 demonstrations that do not say which is meant. The arm of MuJoCo, with
demonstrations that are recorded first, or from a file of your own:

    python applications/imitation/train.py --world arm --output runs/arm
    python applications/imitation/train.py --world arm --demonstrations mine.npz --output runs/mine
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from worlds import NEAR, experts_of, figures_of, world_of

import kgan
from kgan import control, runs


@runs.options(
    without=("average", "cache", "dataset", "extractor", "held_out", "image_size", "keep", "passes", "resize", "strategy"),
    output="runs/imitation",
    epochs=60,
    batch_size=64,
    picture_every=10,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    world: Annotated[str, typer.Option(help="points or arm (pip install 'kgan[control]')")] = "points",
    demonstrations: Annotated[
        str, typer.Option(help="an .npz file, or a data set of Minari, a folder or .hdf5 file; default: an expert is recorded")
    ] = "",
    goals: Annotated[int, typer.Option(min=2, help="goals of the plane")] = 2,
    shown: Annotated[int, typer.Option(min=2, help="demonstrations that are recorded")] = 50,
    intentions: Annotated[int, typer.Option(min=0, help="values of the intention; default 0: as many as goals")] = 0,
    information_weight: Annotated[float, typer.Option(min=0, help="of the intention's term; 0 is GAIL")] = 0.5,
    rounds: Annotated[int, typer.Option(min=1, help="rounds of an epoch")] = 10,
    horizon: Annotated[int | None, typer.Option(min=1, help="steps of an episode; default the world's")] = None,
):
    """Train and write a strip of poses for every intention, figures, checkpoints and the model to a folder.

    An epoch is so many rounds, each of as many new episodes as --batch-size says.
    """
    about["intentions"] = kinds = intentions or goals
    places = {}

    def data():
        if settings.batch_size % min(settings.batch_size, 32):
            raise ValueError(f"--batch-size must be below 32 or a multiple of it. Received: {settings.batch_size}.")
        places["world"] = world_of(world, min(settings.batch_size, 32) if world == "arm" else settings.batch_size, goals, horizon)
        if demonstrations:
            experts = control.load_demonstrations(demonstrations)
        else:
            experts = experts_of(world_of(world, 2 * goals, goals, horizon), shown, NEAR[world], settings.seed)
            experts.save(Path(settings.output) / "demonstrations.npz")
        places["statistics"] = experts.statistics()
        return experts, (experts.observations.shape[1],)

    def build(_):
        model = kgan.IntentionGAIL(
            environment=control.describe(places["world"]),
            intentions=kinds,
            information_weight=information_weight,
            seed=settings.seed,
            **places["statistics"],
        )
        model.compile()
        return model

    def fit(model, experts, batch_size, steps_per_epoch=rounds, **kwargs):
        return model.imitate(places["world"], experts, episodes=batch_size, steps_per_epoch=steps_per_epoch, **kwargs)

    def told(count):
        copies = places["world"].num_envs
        return np.arange(copies * max(1, min(count, 256) // copies)) % kinds

    def sample(model, count, seed):
        asked = told(count)
        return model.play(places["world"], asked, range(seed, seed + len(asked))).observations

    def measure(_, episodes):
        return figures_of(places["world"], told(len(episodes)), episodes, NEAR[world])

    def draw(path, episodes, title):
        names = [f"intention {index % kinds}" for index in range(len(episodes[: 2 * kinds]))]
        kgan.pictures.save_image(path, control.draw_strip(places["world"], episodes[: 2 * kinds], row_names=names, title=title))

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, draw, sample, fit=fit))


if __name__ == "__main__":
    typer.run(main)
