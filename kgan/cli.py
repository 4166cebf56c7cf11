"""The `kgan` command: list, train, generate, evaluate, report, export, preset; and `kgan stego`."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import keras
import typer

from kgan import backend, evaluation, exports, files, metrics, runs
from kgan import report as reports
from kgan.stego.cli import app as stego
from kgan.version import __version__

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Adversarial systems in Keras.", pretty_exceptions_enable=False
)
app.add_typer(stego, name="stego")


def _print_versions(wanted: bool) -> None:
    if wanted:
        print(f"kgan {__version__}, Keras {keras.__version__} on {backend.name()}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_versions, help="print versions and stop")
    ] = False,
) -> None:
    """Adversarial systems in Keras."""


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
    # Shapes and classes come from the data; --seed and --classes are options of their own.
    allowed = [
        name for name in family.argument_names() if name not in ("data_shape", "image_shape", "voxel_shape", "seed", "classes")
    ]
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
def list_(
    presets: Annotated[bool, typer.Option("--presets", help="the trained models that come with kgan, instead")] = False,
) -> None:
    """The systems and the embedded data sets; or the trained models."""
    from kgan import datasets
    from kgan import presets as trained

    if presets:
        for name in trained.names():
            print(f"  {name:16} {trained.about(name)}")
        return
    print("Systems:")
    for name, family in sorted(_families().items()):
        print(f"  {name:16} {(inspect.getdoc(family) or '').splitlines()[0]}")
    print("Data sets:", ", ".join(datasets.names()), "; also tfds:<name>, idx:<folder>, folder:<path> and modelnet:<path>")


@app.command()
@runs.options(output="", rest="set_")
def train(
    settings: runs.RunSettings,
    about: Mapping[str, Any],
    system: Annotated[str, typer.Argument(help="a system of `kgan list`")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="constructor argument, key=value; may be repeated")] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="class by class, by the labels of the data; generate --condition asks for one")
    ] = False,
) -> None:
    """Train a system and write samples, figures, checkpoints and the model to a folder."""
    family = _family(system)
    needed = next(iter(inspect.signature(family).parameters))
    if needed not in ("data_shape", "image_shape"):
        raise typer.BadParameter(
            f"{system.lower()} is made from its {needed!r}, not from images alone; applications/ has the command that trains it"
        )
    options = _options(family, set_ or [])
    if classes and "conditioning" not in family.argument_names():
        raise typer.BadParameter(f"{system.lower()} has no conditional form; leave --classes out")
    place = f"runs/{system.lower()}-{settings.dataset.replace(':', '-').replace('/', '-')}"
    settings = replace(settings, output=settings.output or place)
    shown = ", ".join(f"{key}={value!r}" for key, value in options.items())

    def build(shape: Any) -> Any:
        try:
            own = {"classes": runs.classes_of(settings)} if classes else {}
            model = family(shape, seed=settings.seed, **own, **options)
        except TypeError as error:
            raise ValueError(f"{system.lower()} cannot be made with --set {shown}: {error}") from error
        model.compile()
        return model

    about = {"system": system.lower(), **({"classes": True} if classes else {}), **options}
    data = (lambda: runs.training_data(settings, labels=True)) if classes else None
    runs.guarded(lambda: runs.train(build, settings, about, data))


@app.command()
def generate(
    model: Annotated[str, typer.Argument(help="a .keras file, the folder of a run, or preset:NAME")],
    output: Annotated[
        str,
        typer.Option(
            help="a .png picture of all, a .npy array, a .npz of the arrays of several domains, or FOLDER/ for a .png of each sample"
        ),
    ] = "samples.png",
    count: Annotated[int, typer.Option(min=1, help="number of samples")] = 64,
    seed: Annotated[int, typer.Option(help="of the latents")] = 0,
    condition: Annotated[
        str | None,
        typer.Option(help="of a model with classes: a class by its number or name, or several with commas; default all, evenly"),
    ] = None,
) -> None:
    """Draw samples from a trained model; of one with classes, a picture has a row for each."""

    def main() -> None:
        import numpy as np

        from kgan import pictures
        from kgan.files import atomic_write

        single = output.endswith("/") or Path(output).is_dir()
        if not single and Path(output).suffix not in (".png", ".npy", ".npz"):
            raise ValueError(f"--output must end in .png, .npy or .npz, or in / for a folder. Received: {output!r}.")
        if single and Path(output).is_dir() and any(Path(output).iterdir()):
            raise ValueError(
                f"The folder {output!r} is not empty; samples of two models would mix there. Choose another --output."
            )
        trained = runs.load(model)
        samples = runs.generate(trained, count, seed, condition)
        if single:
            pictures.save_each(output, samples, clip=True)
        elif output.endswith(".npy"):
            if isinstance(samples, dict):
                raise ValueError(f"One .npy holds one array, and the domains are {list(samples)}. Give --output a .npz or .png.")
            atomic_write(output, lambda temporary: np.save(temporary, samples))
        elif output.endswith(".npz"):
            parts = samples if isinstance(samples, dict) else {"samples": samples}
            atomic_write(output, lambda temporary: np.savez(temporary, **parts))
        else:
            title = runs.title_of(trained, _settings_of(model).get("dataset"))
            if (classes := runs.asked(trained, count, condition)) is None:
                pictures.save_samples(output, samples, clip=True, title=title)
            else:
                evaluation.draw_classes(output, samples, classes, trained.class_names, title=title)
        print(f"{count} samples in {output}")

    runs.guarded(main)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="a .keras file, the folder of a run, or preset:NAME")],
    dataset: Annotated[
        str | None, typer.Option(help="the data set it was trained on; default what the run's settings say")
    ] = None,
    extractor: Annotated[
        str | None, typer.Option(help=f"{', '.join(metrics.KNOWN)}; default the run's, or the data set's")
    ] = None,
    count: Annotated[int, typer.Option(min=2, help="number of samples")] = 1000,
    seed: Annotated[int, typer.Option(help="of the latents")] = 0,
    neighbors: Annotated[
        str | None,
        typer.Option(
            help="a .png of samples beside the nearest images that were trained on; and how near, against held-out ones"
        ),
    ] = None,
) -> None:
    """Print the figures of a trained model as JSON. Of a run, the data set, its size and the extractor are known."""

    def main() -> None:
        given = {"dataset": dataset, "extractor": extractor}
        settings = {**_settings_of(model), **{k: v for k, v in given.items() if v is not None}}
        if dataset is not None:  # of another one, this may not hold
            settings["resize" if dataset.startswith("folder:") else "held_out"] = None
        reference = evaluation.Reference.of(settings)
        if not reference.dataset:
            raise ValueError(f"No settings.json beside {model!r} says which data set it was trained on. Give --dataset.")
        trained = runs.load(model)
        samples = runs.generate(trained, count, seed)
        figures = evaluation.evaluate_samples(samples, reference, runs.asked(trained, count))
        if neighbors is not None:
            figures[f"nearest_trained_on[n={count}]"] = evaluation.draw_neighbors(neighbors, samples, reference)
        print(json.dumps(figures, indent=2))

    runs.guarded(main)


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="a .keras file, the folder of a run, or preset:NAME")],
    output: Annotated[str, typer.Option(help="the file, for tf_saved_model the folder; must not be there yet")],
    format_: Annotated[str, typer.Option("--format", help=", ".join(exports.SUFFIXES))] = "onnx",
    condition: Annotated[
        str | None, typer.Option(help="a .npy file of some examples, for systems that make samples from examples")
    ] = None,
) -> None:
    """Write a trained generator for programs without Keras, and check that it makes the same there."""

    def main() -> None:
        examples = None if condition is None else files.read_array(condition, "an array of examples")
        count = 4 if examples is None else len(examples)
        found = exports.export(runs.load(model), output, format_, count, examples)
        opset = f", opset {found['opset']}" if "opset" in found else ""
        print(f"{output} ({format_}{opset}) makes what the model makes (at most {found['difference']:.1g} apart).")
        for side in ("inputs", "outputs"):
            for name, shape in found[side].items():
                sizes = ", ".join("batch" if size is None else str(size) for size in shape)
                print(f"  {side[:-1]} {name} ({sizes})")

    runs.guarded(main)


@app.command()
def preset(
    run: Annotated[str, typer.Argument(help="folder of a run")],
    folder: Annotated[str, typer.Argument(help="folder of the preset, made if missing; a preset in it is replaced")],
    half: Annotated[bool, typer.Option("--half", help="store kernels in half precision: half the size")] = False,
) -> None:
    """Write the model of a run to hand on: weights, settings, their SHA-256 sums, and a model card to be completed."""

    def main() -> None:
        found = runs.keep(run, folder, half)
        print(
            f"preset:{folder} (or a copy of the folder) stands for the run now, fingerprint {found}. Complete {folder}/README.md."
        )

    runs.guarded(main)


@app.command()
def report(
    folders: Annotated[list[str], typer.Argument(help="folders of runs, finished or not")],
    output: Annotated[
        str | None, typer.Option(help="the page; default report.html, in the folder of the run where there is one")
    ] = None,
    neighbors: Annotated[
        bool, typer.Option("--neighbors", help="also draw real images, and those that were trained on and are nearest to samples")
    ] = False,
    count: Annotated[int, typer.Option(min=2, help="number of samples, with --neighbors")] = 100,
    seed: Annotated[int, typer.Option(help="of their latents")] = 0,
) -> None:
    """Write a page about a run, or about several side by side: samples, figures, losses, settings."""

    def main() -> None:
        page = output or (str(Path(folders[0]) / "report.html") if len(folders) == 1 else "report.html")
        for folder in folders if neighbors else ():
            samples = runs.generate(runs.load(folder), count, seed)
            found = evaluation.draw_real(folder, samples, evaluation.Reference.of(runs.read_settings(folder)), neighbors=True)
            runs.add_figures(folder, found)
        reports.write(page, folders)
        print(f"The report is in {page}")

    runs.guarded(main)


def _settings_of(model: str) -> dict[str, Any]:
    """The settings of the run that a model belongs to, by its folder, a file of it, or a preset; else an empty dict."""
    place = runs.place_of(model)
    for folder in (place, place.parent, place.parent.parent):
        if (folder / "settings.json").is_file():
            return runs.read_settings(folder)
    return {}


def main() -> None:
    """Entry point of the command line."""
    app()


if __name__ == "__main__":
    main()
