"""Training runs: one function behind `kgan train` and every application's train.py.

A run writes to its folder: `settings.json`, `history.csv`, `metrics.json` (final figures, one flat object), `samples.png`,
`samples/` (one picture an epoch), `model.keras`, `checkpoints/`, and TensorBoard logs in `tensorboard/` where TensorFlow is there.
"""

import csv
import inspect
import platform
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np

from kgan import backend, callbacks, datasets, memory, metrics, pictures, shapes
from kgan.engine import AdversarialModel
from kgan.files import atomic_write, read_json, reading, write_json
from kgan.types import Array, FilePath, Nest
from kgan.version import __version__

SAMPLES = 1000
SAMPLED_SHAPES = 200
# What a smoke run changes: enough to pass through every line.
_SMOKE = {"epochs": 1, "steps_per_epoch": 2, "samples": 32}


def _option(default: Any, about: str, **limits: float) -> Any:
    return field(default=default, metadata={"help": about, **limits})


@dataclass
class RunSettings:
    """What every run has beside its model: the options of all training commands, each with its help and limits (see `options`)."""

    output: str = field(metadata={"help": "folder of the run"})
    dataset: str = _option("digits", "an embedded set, tfds:<name> or folder:<path>")
    image_size: int | None = _option(None, "resize images to this many pixels; default the data set's own size", min=1)
    batch_size: int = _option(64, "examples of one move", min=1)
    epochs: int = _option(100, "epochs", min=1)
    passes: int = _option(1, "passes over the data in one epoch, for small sets (arrays)", min=1)
    seed: int = _option(0, "of weights, noise and data order")
    average: float = _option(0.0, "decay of the generator's average, 0 for none", min=0, max=0.99999)
    resume: bool = _option(False, "go on from the newest checkpoint of the output folder")
    smoke: bool = _option(False, "a few rounds, to see that everything runs")
    checkpoint_every: int = _option(5, "epochs between checkpoints", min=1)
    picture_every: int = _option(10, "epochs between pictures", min=1)
    deterministic: bool = _option(False, "equal results on a GPU too, slower")
    strategy: str = _option("none", "none, mirrored (all devices) or multi-worker (all processes of TF_CONFIG)")


def options(
    without: Sequence[str] = (), renamed: Mapping[str, str] | None = None, outside: Sequence[str] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator of a training command: the options of `RunSettings` beside its own.

    The command is called as `command(settings, about, **own)`. `settings` are its `RunSettings`; `about` are the values of its own options,
    to be kept in `settings.json`; `own` are the parameters it lists behind these two. One of a field's name stands for that field, with the
    command's help, limits and default; where it is None, `settings` has the field's default.

    Args:
        without: fields that the command has no option for.
        renamed: own options that give a field of another name, such as `{"source": "dataset"}`.
        outside: own options that are left out of `about`: a resumed run may change them.
        **defaults: of fields, instead of those of `RunSettings`.

    Raises:
        TypeError: a name that is no field, or no option of the command; a default of a field that the command does not get from here.

    Example:
    >>> import inspect
    >>> from kgan import runs
    >>> @runs.options(without=("strategy", "deterministic"), output="runs/mine", epochs=5)
    ... def main(settings, about, width: float = 1.0):
    ...     print(settings.epochs, about)
    >>> list(inspect.signature(main).parameters)[:4]
    ['output', 'width', 'dataset', 'image_size']
    >>> main(width=0.5)
    5 {'width': 0.5}
    """
    renamed = renamed or {}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        known = {f.name: f for f in fields(RunSettings)}
        own = [p.replace(kind=p.KEYWORD_ONLY) for p in list(inspect.signature(command, eval_str=True).parameters.values())[2:]]
        taken = {*without, *renamed.values(), *(p.name for p in own)}
        fields_named, own_named = {*without, *renamed.values(), *defaults}, {*renamed, *outside}
        wrong = (fields_named - {*known}) | (own_named - {p.name for p in own}) | (taken & {*defaults})
        if wrong:
            raise TypeError(
                f"`options` of {command.__qualname__} names {sorted(wrong)}: no field that it adds, or no option of the command. "
                f"It adds {sorted({*known} - taken)}, the command has {[p.name for p in own]}."
            )
        added = [_parameter(f, defaults) for f in known.values() if f.name not in taken]
        first = [p for p in added if p.name == "output"]
        signature = inspect.Signature([*first, *own, *(p for p in added if p.name != "output")])

        def run(**given: Any) -> None:
            bound = signature.bind(**given)
            bound.apply_defaults()
            values = {renamed.get(name, name): value for name, value in bound.arguments.items()}
            mine = {p.name: bound.arguments[p.name] for p in own}
            settings = RunSettings(**{name: value for name, value in values.items() if name in known and value is not None})
            about = {k: v for k, v in mine.items() if k not in known and k not in renamed and k not in outside}
            command(settings, about, **mine)

        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
        run.__signature__ = signature  # type: ignore[attr-defined]  # what typer and `inspect` read
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return decorate


def _parameter(option: Field[Any], defaults: Mapping[str, Any]) -> inspect.Parameter:
    """A field of `RunSettings` as the parameter of a command."""
    import typer

    flags = (f"--{option.name.replace('_', '-')}",) if option.type is bool else ()
    help_, default = typer.Option(*flags, **option.metadata), defaults.get(option.name, option.default)
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[option.type, help_]
    )


class RunError(Exception):
    """A run that cannot start or go on, for a reason the user can mend."""


def train(
    build: Callable[[Any], Any],
    settings: RunSettings,
    about: Mapping[str, Any] | None = None,
    data: Callable[[], tuple[Any, Any]] | None = None,
    measure: Callable[[Any, Nest], Mapping[str, Any]] | None = None,
    draw: Callable[[Path, Nest], None] | None = None,
    sample: Callable[[Any, int, int], Nest] | None = None,
    watching: Sequence[Any] = (),
) -> dict[str, Any]:
    """Train, watch, measure and keep a model.

    Args:
        build: `(data_shape) -> compiled model`.
        settings: `RunSettings`.
        about: dict of the application's own settings, kept in `settings.json`.
        data: `() -> (data, shape)`, what `fit` takes and what `build` takes, for data that `settings.dataset` does not name.
        measure: `(model, samples) -> dict of figures`; default: by the data set, see `evaluate_samples`.
        draw: `(path, samples)` that writes a picture; default `kgan.pictures.save_samples` with clip=True.
        sample: `(model, count, seed) -> samples`, for models that are asked for samples of something; default `model.generate`.
        watching: further callbacks of `fit`, before the others.

    Returns:
        dict of the final figures.

    Raises:
        RunError: the folder holds another run, or the settings differ from those of the run to be resumed.
        ValueError: the run would not fit into memory, see `kgan.memory`.
    """
    if settings.deterministic:
        backend.enable_determinism()
    scope = backend.strategy(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    output = Path(settings.output)
    with scope:
        chief = backend.is_chief()
        if chief:
            _claim(output, settings, about or {})
        model, data, shape = _prepared(build, settings, data, chief)
    if settings.average:
        model.keep_averages({"generator": settings.average})
    shown = 64 if isinstance(shape, dict) else {3: 64, 4: 16}.get(len(shape), 1024)
    start = callbacks.restore(model, output / "checkpoints") if settings.resume else 0
    epochs = _SMOKE["epochs"] if settings.smoke else settings.epochs
    watching = [*watching, callbacks.Checkpoint(output / "checkpoints", every=settings.checkpoint_every)]
    sample = sample or _generate
    if chief:
        _trim_history(output / "history.csv", start)
        watching += [
            callbacks.SampleGrid(output / "samples", count=shown, every=settings.picture_every, draw=draw, sample=sample),
            keras.callbacks.CSVLogger(output / "history.csv", append=start > 0),
        ]
    if chief and backend.name() == "tensorflow" and _has_tensorboard():
        watching.append(keras.callbacks.TensorBoard(output / "tensorboard"))
    began = time.time()
    print(
        f"{type(model).__name__} on {settings.dataset}: examples {shape}, {model.count_params():,} weights, output {output}/",
        flush=True,
    )
    if start < epochs:
        limit = {"steps_per_epoch": _SMOKE["steps_per_epoch"]} if settings.smoke else {}
        kwargs = {} if _is_dataset(data) or isinstance(data, keras.utils.PyDataset) else {"batch_size": settings.batch_size}
        with warnings.catch_warnings():
            if settings.smoke:  # data of a single round are enough to see that everything runs
                warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
            model.fit(data, epochs=epochs, initial_epoch=start, callbacks=watching, **kwargs, **limit)
    if not chief:
        return {}
    seconds = time.time() - began
    count = _SMOKE["samples"] if settings.smoke else SAMPLED_SHAPES if len(shape) == 4 else SAMPLES
    samples = sample(model, count, settings.seed)
    measure = measure or (lambda _, samples: evaluate_samples(samples, settings.dataset, settings.image_size))
    figures = {"epochs": epochs, "seconds": round(seconds, 1), **measure(model, samples)}
    figures |= _last_row(output / "history.csv")
    some = {4: 100, 5: 36}
    draw = draw or (lambda path, samples: pictures.save_samples(path, samples, _real_points(settings.dataset), clip=True))
    draw(output / "samples.png", keras.tree.map_structure(lambda part: part[: some.get(part.ndim)], samples))
    _save_curves(output)
    atomic_write(output / "model.keras", model.save)
    write_json(output / "metrics.json", figures)
    print(f"Figures in {output / 'metrics.json'}, pictures in {output / 'samples.png'} and {output / 'losses.png'}:")
    for name, value in figures.items():
        print(f"  {name}: {value:.4g}" if isinstance(value, float) else f"  {name}: {value}")
    return figures


def _prepared(
    build: Callable[[Any], Any], settings: RunSettings, data: Callable[[], tuple[Any, Any]] | None, chief: bool
) -> tuple[Any, Any, Any]:
    try:
        data, shape = training_data(settings) if data is None else data()
        model = build(shape)
        memory.require(model, settings.batch_size)
    except Exception:
        if chief and not settings.resume:
            (Path(settings.output) / "settings.json").unlink()  # nothing was trained: the folder stays free
        raise
    return model, data, shape


def load(path: FilePath) -> Any:
    """A trained model, not compiled, from a .keras file or the folder of a run.

    Raises:
        FileNotFoundError: there is none. ValueError: the file is none that this version can load.
    """
    path = Path(path)
    path = path / "model.keras" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"There is no model file {str(path)!r}. Give a .keras file or the folder of a finished run.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{str(path)!r} is no model file, or a part of one ({path.stat().st_size:,} bytes).")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # Whatever a damaged or foreign file makes Keras, h5py or a constructor stumble over.
        raise ValueError(
            f"{str(path)!r} is not a model that this version (kgan {__version__}) can load: {_reason(error)}"
        ) from error
    if not isinstance(model, AdversarialModel):
        raise ValueError(
            f"{str(path)!r} holds a {type(model).__name__}, no system of kgan. Load it with keras.saving.load_model."
        )
    return model


def _reason(error: BaseException) -> str:
    """What Keras found, without the configuration that it prints around it."""
    lines = str(error).split("Exception encountered:")[-1].strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _generate(model: Any, count: int, seed: int) -> Nest:
    return model.generate(count, seed=seed)


def evaluate_samples(samples: Nest, dataset: str | None, image_size: int | None = None) -> dict[str, float]:
    """Figures of merit of samples: digit metrics for digits, mode statistics for mixtures, `shape_report` for voxels, their range for
    anything else.

    Samples of several domains, a dict, get the last, domain by domain.
    """
    if isinstance(samples, dict):
        return {f"{d}_{k}": v for d, part in samples.items() for k, v in evaluate_samples(part, None).items()}
    if dataset == "digits" and samples.shape[1] % 8 == 0:
        real, _ = datasets.arrays("digits", "test", image_size)
        return metrics.digit_report(real, samples)
    if dataset in ("ring", "grid"):
        mixture = getattr(datasets, dataset)()
        return {f"{k}[n={len(samples)}]": v for k, v in metrics.mode_statistics(samples, mixture).items()}
    if samples.ndim == 5:
        return {f"{k}[n={len(samples)}]": v for k, v in shapes.shape_report(samples).items()}
    return {"sample_mean": float(samples.mean()), "sample_std": float(samples.std())}


def _claim(output: Path, settings: RunSettings, about: Mapping[str, Any]) -> None:
    """Take the folder for this run: a new one, or the same run again with --resume."""
    described = {**asdict(settings), **about}
    described = {k: v for k, v in described.items() if k not in ("output", "resume")}
    path = output / "settings.json"
    if path.exists():
        if not settings.resume:
            raise RunError(f"{output} holds a run already. Go on with --resume, or choose another --output.")
        stored = read_json(path, "the settings of a run", lambda content: {**content["settings"]})
        free = ("epochs", "checkpoint_every", "picture_every")
        changed = sorted(k for k in {*stored, *described} if k not in free and stored.get(k) != described.get(k))
        if changed:
            pairs = ", ".join(f"{k}: {stored.get(k)!r} there, {described.get(k)!r} here" for k in changed)
            raise RunError(f"{output} holds a run with other settings ({pairs}). Use them to resume, or choose another --output.")
    try:
        output.mkdir(parents=True, exist_ok=True)
        versions = {"kgan": __version__, "keras": keras.__version__, "numpy": np.__version__, "python": platform.python_version()}
        write_json(path, {"settings": described, "backend": backend.name(), "versions": versions})
    except OSError as error:
        raise RunError(f"The folder {output} cannot be written ({error.strerror}). Choose another --output.") from error


def training_data(settings: RunSettings) -> tuple[Any, tuple[int, ...]]:
    """The data that settings name, arrays where they fit in memory, and the shape of one example."""
    if settings.dataset.startswith("folder:") or settings.dataset.startswith("tfds:"):
        dataset = datasets.load(settings.dataset, "train", settings.batch_size, settings.image_size, seed=settings.seed)
        return dataset, tuple(dataset.element_spec.shape[1:])
    examples, _ = datasets.arrays(settings.dataset, "train", settings.image_size)
    return np.concatenate([examples] * settings.passes), examples.shape[1:]


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "element_spec")


def _has_tensorboard() -> bool:
    import importlib.util

    return importlib.util.find_spec("tensorboard") is not None


def _real_points(dataset: str) -> Array | None:
    return getattr(datasets, dataset)().sample(1000, 0) if dataset in ("ring", "grid") else None


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with reading(path, "the history of a run"), open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
        for row in rows:
            int(row["epoch"])
            _numbers(row)
    return rows


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    # Keras writes NA for what the last epoch did not log.
    return {k: float(v) for k, v in row.items() if k != "epoch" and v != "NA"}


def _trim_history(path: Path, start: int) -> None:
    """Drop the rows of epochs that will be trained again: a run killed after its last checkpoint wrote them once."""
    rows = _rows(path)
    kept = [row for row in rows if int(row["epoch"]) < start]
    if rows and len(kept) < len(rows):

        def write(temporary: str) -> None:
            with open(temporary, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys())
                writer.writeheader()
                writer.writerows(kept)

        atomic_write(path, write) if kept else path.unlink()


def _last_row(path: Path) -> dict[str, float]:
    rows = _rows(path)
    return _numbers(rows[-1]) if rows else {}


def _save_curves(output: Path) -> None:
    rows = _rows(output / "history.csv")
    if not rows:
        return
    drawn, axes = pictures.figure(7.0, 4.0)
    axis = axes[0, 0]
    for key in rows[0]:
        if key not in ("epoch", "loss") and not key.startswith("learning_rate"):
            axis.plot(
                [int(row["epoch"]) + 1 for row in rows],
                [float(row[key]) if row[key] != "NA" else np.nan for row in rows],
                label=key,
            )
    axis.set_xlabel("epoch")
    axis.legend(fontsize="small")
    pictures.save_figure(output / "losses.png", drawn)


def guarded(main: Callable[[], object]) -> None:
    """Run a command line's main function: errors the user can mend become one line and exit code 2, an interruption 130."""
    try:
        main()
    except (RunError, ValueError, FileNotFoundError, ImportError, RuntimeError, FloatingPointError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, FloatingPointError) else 2)
    except KeyboardInterrupt:
        print("interrupted; go on with --resume", file=sys.stderr)
        sys.exit(130)
