"""The `kgan` command: list, train, generate, evaluate; and `kgan stego`."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from kgan import runs
from kgan.stego.cli import app as stego

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Adversarial systems in Keras.", pretty_exceptions_enable=False
)
app.add_typer(stego, name="stego")


def _families() -> dict[str, Any]:
    from kgan import families, programs

    return {name.lower(): getattr(room, name) for room in (families, programs) for name in room.__all__}


def _family(name: str) -> Any:
    known = _families()
    if name.lower() not in known:
        raise typer.BadParameter(f"unknown system {name!r}; known: {', '.join(sorted(known))}")
    return known[name.lower()]


def _options(family: Any, assignments: Sequence[str]) -> dict[str, Any]:
    """Constructor arguments from `key=value` texts; values are JSON where they parse as such, else strings."""
    allowed = [name for name in family.argument_names() if name not in ("data_shape", "image_shape", "voxel_shape")]
    options = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or key not in allowed:
            raise typer.BadParameter(f"--set takes key=value with a key among {', '.join(allowed)}; received {text!r}")
        try:
            options[key] = json.loads(value)
        except json.JSONDecodeError:
            options[key] = value
    return options


@app.command("list")
def list_() -> None:
    """The systems and the embedded data sets."""
    from kgan import datasets

    print("Systems:")
    for name, family in sorted(_families().items()):
        print(f"  {name:16} {(inspect.getdoc(family) or '').splitlines()[0]}")
    print("Data sets:", ", ".join(datasets.names()), "; also tfds:<name>, folder:<path> and modelnet:<path>")


@app.command()
@runs.options(without=("deterministic",), output="")
def train(
    settings: runs.RunSettings,
    about: Mapping[str, Any],
    system: Annotated[str, typer.Argument(help="a system of `kgan list`")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="constructor argument, key=value; may be repeated")] = None,
) -> None:
    """Train a system and write samples, figures, checkpoints and the model to a folder."""
    family = _family(system)
    needed = next(iter(inspect.signature(family).parameters))
    if needed not in ("data_shape", "image_shape"):
        raise typer.BadParameter(
            f"{system.lower()} is made from its {needed!r}, not from images alone; applications/ has the command that trains it"
        )
    options = _options(family, set_ or [])
    place = f"runs/{system.lower()}-{settings.dataset.replace(':', '-').replace('/', '-')}"
    settings = replace(settings, output=settings.output or place)

    def build(shape: Any) -> Any:
        model = family(shape, seed=settings.seed, **options)
        model.compile()
        return model

    runs.guarded(lambda: runs.train(build, settings, {"system": system.lower(), **options}))


@app.command()
def generate(
    model: Annotated[str, typer.Argument(help="a .keras file, or the folder of a run")],
    output: Annotated[
        str, typer.Option(help="a .png picture, a .npy array, or a .npz of the arrays of several domains")
    ] = "samples.png",
    count: Annotated[int, typer.Option(min=1, help="number of samples")] = 64,
    seed: Annotated[int, typer.Option(help="of the latents")] = 0,
) -> None:
    """Draw samples from a trained model."""
    from kgan import pictures

    def main() -> None:
        import numpy as np

        from kgan.files import atomic_write

        if Path(output).suffix not in (".png", ".npy", ".npz"):
            raise ValueError(f"--output must end in .png, .npy or .npz. Received: {output!r}.")
        samples = runs.load(model).generate(count, seed=seed)
        if output.endswith(".npy"):
            if isinstance(samples, dict):
                raise ValueError(f"One .npy holds one array, and the domains are {list(samples)}. Give --output a .npz or .png.")
            atomic_write(output, lambda temporary: np.save(temporary, samples))
        elif output.endswith(".npz"):
            parts = samples if isinstance(samples, dict) else {"samples": samples}
            atomic_write(output, lambda temporary: np.savez(temporary, **parts))
        else:
            pictures.save_samples(output, samples, clip=True)
        print(f"{count} samples in {output}")

    runs.guarded(main)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="a .keras file, or the folder of a run")],
    dataset: Annotated[str, typer.Option(help="the data set it was trained on")] = "digits",
    count: Annotated[int, typer.Option(min=2, help="number of samples")] = 1000,
    seed: Annotated[int, typer.Option(help="of the latents")] = 0,
) -> None:
    """Print the figures of a trained model as JSON."""

    def main() -> None:
        samples = runs.load(model).generate(count, seed=seed)
        size = samples.shape[1] if not isinstance(samples, dict) and samples.ndim in (4, 5) else None
        print(json.dumps(runs.evaluate_samples(samples, dataset, size), indent=2))

    runs.guarded(main)


def main() -> None:
    """Entry point of the command line."""
    app()


if __name__ == "__main__":
    main()
