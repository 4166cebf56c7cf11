"""Watch a trained policy (Hausman et al. 2017): a strip of poses and a GIF, one row and one picture for every intention.

python applications/imitation/watch.py runs/imitation --seed 3
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from worlds import NEAR, figures_of, world_of

import kgan
from kgan import control, runs


def main(
    run: Annotated[
        str,
        typer.Argument(
            help="folder of a run of train.py, or a .keras file; default runs/imitation, or the preset where that is not there"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help="the GIF; a PNG is written beside it; default watched.gif in the run")] = "",
    seed: Annotated[int, typer.Option(min=0, help="of the first state and the noise, the same for every intention")] = 0,
    noise: Annotated[float, typer.Option(min=0, help="factor of the policy's noise; 0: its means")] = 0.0,
    poses: Annotated[int, typer.Option(min=2, help="in a row of the strip")] = 8,
    goals: Annotated[int | None, typer.Option(min=2, help="goals of the plane; default those of the run")] = None,
    switch: Annotated[int, typer.Option(min=0, help="step at which the intention changes to the next; 0: never")] = 0,
):
    """Play one episode for every intention from one first state, draw them, and say where they end."""

    def work():
        home = runs.folder_of(run, "runs/imitation", "imitation-plane")
        model = runs.load(home, kgan.IntentionGAIL)
        if model.environment is None:
            raise ValueError(f"{str(home)!r} does not know in which environment it was trained.")
        path = runs.file_beside_picture(output, (home if home.is_dir() else Path()) / "watched.gif", ".gif")
        kinds, name = model.intentions, "arm" if "Reacher" in model.environment["id"] else "points"
        known = runs.read_settings(home).get("goals") if (home / "settings.json").is_file() else None
        world = world_of(name, kinds, goals or known or 2, model.environment["horizon"])
        if switch:
            policy, turn = control.actor(model.averaged("policy")), [0]

            def act(observations, told, noise):
                turn[0] += 1
                return policy(observations, np.roll(told, 1, axis=1) if turn[0] > switch else told, noise)

            played = control.rollout(act, world, np.eye(kinds, dtype="float32"), [seed] * kinds, noise=noise)
        else:
            played = model.play(world, np.arange(kinds), [seed] * kinds, noise)
        kgan.pictures.save_animation(path, control.draw_frames(world, played.observations))
        names, title = [f"intention {index}" for index in range(kinds)], f"{type(model).__name__}: one episode each, seed {seed}"
        title += f", intentions change at step {switch}" if switch else ""
        kgan.pictures.save_image(
            path.with_suffix(".png"), control.draw_strip(world, played.observations, poses, row_names=names, title=title)
        )
        for index, distances in enumerate(world.distances(played.last)):
            print(f"intention {index}: ends {distances.min():.3f} from goal {distances.argmin()}")
        found = figures_of(world, np.arange(kinds), played.observations, NEAR[name])
        print(f"{found['reached']:.0%} of these reach a goal; pictures in {path} and {path.with_suffix('.png')}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
