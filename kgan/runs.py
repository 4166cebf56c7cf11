"""Training runs: one function behind `kgan train` and every application's train.py.

A run writes to its folder: `settings.json`, `history.csv`, `metrics.json` (final figures, one flat object), `samples.png`, `losses.png`,
`samples/` (one picture an epoch), `model.keras`, `checkpoints/`, `real.png` and `neighbors.png` (images of data that it can be compared
with), `report.html` (all of this as one page), and TensorBoard logs in `tensorboard/` where TensorFlow is there.
"""

import contextlib
import functools
import inspect
import json
import os
import platform
import shutil
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np

from kgan import backend, callbacks, datasets, history, memory, metrics, pictures, presets, report
from kgan.arguments import POSITIVE
from kgan.engine import AdversarialModel
from kgan.evaluation import Reference, draw_classes, draw_real, evaluate_samples, name_of
from kgan.files import atomic_write, read_json, write_json
from kgan.types import Array, FilePath, Nest
from kgan.version import __version__

SAMPLES = 1000
SAMPLED_SHAPES = 200
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
_PLACED = ("dataset", "extractor")  # settings that may name a file or a folder, behind one of
_PLACES = ("folder", "idx", "modelnet", "inception", "keras-inception")
_PRESET = "preset:"
_PER_CLASS = 10  # samples of a class in a picture
# What a smoke run changes: enough to pass through every line.
_SMOKE = {"epochs": 1, "steps_per_epoch": 2, "samples": 32}


def _option(default: Any, about: str, **limits: float) -> Any:
    return field(default=default, metadata={"help": about, **limits})


@dataclass
class RunSettings:
    """What every run has beside its model: the options of all training commands, each with its help and limits (see `options`)."""

    output: str = field(metadata={"help": "folder of the run"})
    dataset: str = _option("digits", "an embedded set (kgan list), tfds:<name>, idx:<folder> or folder:<path>")
    image_size: int | None = _option(None, "resize images to this many pixels; default the data set's own size", min=1)
    resize: str | None = _option(None, "pad or bilinear; default pad from 28 to 32 pixels, else bilinear")
    held_out: float | None = _option(None, "share of a folder's pictures kept for evaluation; default 0.1", min=0, max=0.99)
    cache: str | None = _option(
        None, "decoded pictures of a folder: memory, none, or a folder for a file; default memory up to 1 GiB, else none"
    )
    batch_size: int = _option(64, "examples of one move", min=1)
    epochs: int = _option(100, "epochs", min=1)
    passes: int = _option(1, "passes over the data in one epoch, for small sets", min=1)
    seed: int = _option(0, "of weights, noise and data order")
    average: float = _option(0.0, "decay of the generator's average, 0 for none", min=0, max=0.99999)
    optimizer: list[str] | None = _option(  # noqa: RUF009 - None, no list that is shared
        None,
        "MOVE=NAME,ARGUMENT=VALUE,... such as generator=adam,beta_1=0, one of Keras instead of the default; without MOVE= of all moves; "
        "may be repeated",
    )
    learning_rate: list[str] | None = _option(  # noqa: RUF009
        None, "MOVE=RATE, or RATE for all moves, of whichever optimizer; may be repeated"
    )
    precision: str | None = _option(None, f"{', '.join(PRECISIONS)}; default what Keras is set to, float32")
    resume: bool = _option(False, "go on from the newest checkpoint of the output folder")
    smoke: bool = _option(False, "a few rounds, to see that everything runs")
    checkpoint_every: int = _option(5, "epochs between checkpoints", min=1)
    picture_every: int = _option(10, "epochs between pictures", min=1)
    evaluate_every: int | None = _option(
        None, "epochs between figures, which go to history.csv, losses.png and TensorBoard; default none before the end", min=1
    )
    keep: str | None = _option(
        None, "best: also keep the model of the smallest distance among the figures of --evaluate-every, as best.keras"
    )
    extractor: str | None = _option(
        None,
        f"whose features figures of images are of: {', '.join(metrics.KNOWN)}; default the judge of the data set, or random-conv",
    )
    deterministic: bool = _option(False, "equal results on a GPU too, slower")
    strategy: str = _option("none", "none, mirrored (all devices) or multi-worker (all processes of TF_CONFIG)")


def options(
    without: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    outside: Sequence[str] = (),
    rest: str | None = None,
    **defaults: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator of a training command: the options of `RunSettings` beside its own, and `--settings`.

    `--settings` takes the `settings.json` of another run, or its folder: what stands there is the default of every option.

    The command is called as `command(settings, about, **own)`. `settings` are its `RunSettings`; `about` are the values of its own options,
    to be kept in `settings.json`; `own` are the parameters it lists behind these two. One of a field's name stands for that field, with the
    command's help, limits and default; where it is None, `settings` has the field's default.

    Args:
        without: fields that the command has no option for.
        renamed: own options that give a field of another name, such as `{"source": "dataset"}`.
        outside: own options that are left out of `about`: a resumed run may change them.
        rest: own option that takes what a settings file holds beyond the options, as a list of key=value; default None: that is refused.
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
    ['output', 'width', 'settings_file', 'dataset']
    >>> main(width=0.5)
    5 {'width': 0.5}
    """
    renamed = renamed or {}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        known = {f.name: f for f in fields(RunSettings)}
        own = [p.replace(kind=p.KEYWORD_ONLY) for p in list(inspect.signature(command, eval_str=True).parameters.values())[2:]]
        taken = {*without, *renamed.values(), *(p.name for p in own)}
        fields_named, own_named = {*without, *renamed.values(), *defaults}, {*renamed, *outside, *([rest] if rest else [])}
        wrong = (fields_named - {*known}) | (own_named - {p.name for p in own}) | (taken & {*defaults})
        if wrong:
            raise TypeError(
                f"`options` of {command.__qualname__} names {sorted(wrong)}: no field that it adds, or no option of the command. "
                f"It adds {sorted({*known} - taken)}, the command has {[p.name for p in own]}."
            )
        added = [_parameter(f, defaults) for f in known.values() if f.name not in taken]
        first = [p for p in added if p.name == "output"]
        names = {**{p.name: p.name for p in [*own, *added] if p.name not in renamed}, **{renamed[p]: p for p in renamed}}
        file = _settings_option(lambda path: _stored_options(path, names, rest))
        signature = inspect.Signature([*first, *own, file, *(p for p in added if p.name != "output")])

        def run(**given: Any) -> None:
            if given.get(file.name) is not None:  # the command line has done so already
                given = {**_stored_options(given[file.name], names, rest), **given}
            bound = signature.bind(**given)
            bound.apply_defaults()
            del bound.arguments[file.name]
            values = {renamed.get(name, name): value for name, value in bound.arguments.items()}
            mine = {p.name: bound.arguments[p.name] for p in own}
            settings = RunSettings(**{name: value for name, value in values.items() if name in known and value is not None})
            if "dataset" in without:
                settings.dataset = ""  # the command brings data of its own, with which nobody can compare by name later
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


def _settings_option(stored: Callable[[str], dict[str, Any]]) -> inspect.Parameter:
    """`--settings`, which gives the other options their defaults before they are read."""
    import typer

    def use(context: typer.Context, value: str | None) -> None:
        if value is not None:
            try:
                context.default_map = {**(context.default_map or {}), **stored(value)}
            except (ValueError, OSError) as error:
                raise typer.BadParameter(str(error)) from error

    about = "settings.json of another run, or its folder: the defaults of all options"
    option = typer.Option("--settings", is_eager=True, callback=use, help=about)
    return inspect.Parameter(
        "settings_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def read_settings(path: FilePath) -> dict[str, Any]:
    """The settings of a run, from its `settings.json` or its folder, as a dict of names to values.

    Files and folders that they name from where the run was started are named from here.

    Raises:
        FileNotFoundError: there is none. ValueError: the file holds no settings.
    """
    path = Path(path)
    path = path / "settings.json" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"There are no settings {str(path)!r}. Give the settings.json of a run, or its folder.")

    def parse(content: Mapping[str, Any]) -> dict[str, Any]:
        stored = {**content["settings"]}
        begun = os.path.join(os.path.realpath(path.parent), content["started_in"]) if "started_in" in content else "."
        return {**stored, **{name: _from_here(stored[name], begun) for name in _PLACED if name in stored}}

    return read_json(path, "the settings of a run", parse)


def add_figures(run: FilePath, figures: Mapping[str, float]) -> None:
    """Add figures to the `metrics.json` of a run; of a run that is not finished, which has none yet, they are not kept."""
    path = Path(run) / "metrics.json"
    if figures and path.is_file():
        write_json(path, {**read_json(path, "the figures of a run", dict), **figures})


def _from_here(value: Any, begun: str = ".") -> Any:
    """A setting such as folder:photos, whose place was said from the folder `begun`, as one says it from here.

    What is not there any more, of a run that was brought from elsewhere, stays as it was said.
    """
    kind, _, place = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind not in _PLACES or not place or os.path.isabs(place):
        return value
    there = os.path.join(begun, place)
    return f"{kind}:{os.path.relpath(there, os.path.realpath('.'))}" if os.path.exists(there) else value


def _stored_options(path: FilePath, names: Mapping[str, str], rest: str | None) -> dict[str, Any]:
    """What a settings file says of the options of a command. `names`: of a setting to that of its option."""
    stored = read_settings(path)
    # A command with data of its own stores no data set; a stage of one may store what no option of it says.
    stored = {k: v for k, v in stored.items() if not (k == "dataset" and v == "")}
    if _is_of_this_command(path):
        stored = {k: v for k, v in stored.items() if k in names}
    # What is not set, or not there for this command because it has only one value, is left to the command.
    plain = {f.name: f.default for f in fields(RunSettings)}
    others = {k: v for k, v in stored.items() if k not in names and not (k in plain and v == plain[k])}
    if others and rest is None:
        raise ValueError(f"{str(path)!r} is of another command: this one has no options {sorted(others)}.")
    found = {names[k]: v for k, v in stored.items() if k in names and v is not None}
    if rest is not None and others:
        found[rest] = [f"{key}={json.dumps(value)}" for key, value in others.items()]
    return found


def _is_of_this_command(path: FilePath) -> bool:
    """Whether the run of a settings file was trained by this script: one of its name, in a folder of the same name."""
    path = Path(path)
    path = path / "settings.json" if path.is_dir() else path
    program = read_json(path, "the settings of a run", lambda content: str(content.get("program")))
    return Path(program.split()[-1]).parts[-2:] == Path(sys.argv[0]).resolve().parts[-2:]


class RunError(Exception):
    """A run that cannot start or go on, for a reason the user can mend."""


def train(
    build: Callable[[Any], Any],
    settings: RunSettings,
    about: Mapping[str, Any] | None = None,
    data: Callable[[], tuple[Any, Any]] | None = None,
    measure: Callable[[Any, Nest], Mapping[str, Any]] | None = None,
    draw: Callable[[Path, Nest, str], None] | None = None,
    sample: Callable[[Any, int, int], Nest] | None = None,
    watching: Sequence[Any] = (),
    fit: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Train, watch, measure and keep a model.

    Args:
        build: `(data_shape) -> compiled model`.
        settings: `RunSettings`.
        about: dict of the application's own settings, kept in `settings.json`.
        data: `() -> (data, shape)`, what `fit` takes and what `build` takes, for data that `settings.dataset` does not name.
        measure: `(model, samples) -> dict of figures`; default: `kgan.evaluation.evaluate_samples`.
        draw: `(path, samples, title)` that writes a picture, a PNG; default `kgan.pictures.save_samples` with clip=True. The title
            says which system, data and epoch.
        sample: `(model, count, seed) -> samples`, for models that are asked for samples of something; default `model.generate`.
        watching: further callbacks of `fit`, before the others.
        fit: `(model, data, **arguments of fit)`, for models that make their rounds themselves; default: the model's own `fit`.

    Returns:
        dict of the final figures.

    Raises:
        RunError: the folder holds another run, or the settings differ from those of the run to be resumed.
        ValueError: the run would not fit into memory, see `kgan.memory`; moves, optimizers or a precision that are none.
    """
    with contextlib.ExitStack() as claims:
        return _train(claims, build, settings, about, data, measure, draw, sample, watching, fit)


def _train(
    claims: contextlib.ExitStack,
    build: Callable[[Any], Any],
    settings: RunSettings,
    about: Mapping[str, Any] | None,
    data: Callable[[], tuple[Any, Any]] | None,
    measure: Callable[[Any, Nest], Mapping[str, Any]] | None,
    draw: Callable[[Path, Nest, str], None] | None,
    sample: Callable[[Any, int, int], Nest] | None,
    watching: Sequence[Any],
    fit: Callable[..., Any] | None,
) -> dict[str, Any]:
    """As `train`, with the claim of the folder in `claims`."""
    if settings.keep not in (None, "best") or (settings.keep and not settings.evaluate_every):
        raise ValueError(
            f"--keep takes best, and needs --evaluate-every. Received: {settings.keep!r}, {settings.evaluate_every!r}."
        )
    if settings.extractor is not None:
        metrics.extractor(settings.extractor)  # a wrong name is said now, not when the training is over
    if settings.deterministic:
        backend.enable_determinism()
    scope = backend.strategy(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    output = Path(settings.output)
    with scope:
        chief = backend.is_chief()
        if chief:
            claims.enter_context(_claimed(output, settings, about or {}))
        model, data, shape = _prepared(build, settings, data)
    if settings.average:
        model.keep_averages({"generator": settings.average})
    shown = 64 if isinstance(shape, dict) else {3: 64, 4: 16}.get(len(shape), 1024)
    start = callbacks.restore(model, output / "checkpoints") if settings.resume else 0
    epochs = _SMOKE["epochs"] if settings.smoke else settings.epochs
    watching = [*watching, callbacks.Checkpoint(output / "checkpoints", every=settings.checkpoint_every)]
    by_class = sample is None and getattr(model, "conditional", False)
    sample = sample or generate
    if by_class:
        # A picture has a row for each class.
        names = model.class_names
        shown = _PER_CLASS * len(names)
        draw = draw or (
            lambda path, samples, title: draw_classes(
                path, samples, _in_turn(range(len(names)), len(samples)), names, _PER_CLASS, title
            )
        )
    draw = draw or (
        lambda path, samples, title: pictures.save_samples(path, samples, _real_points(settings.dataset), clip=True, title=title)
    )
    count = _SMOKE["samples"] if settings.smoke else SAMPLED_SHAPES if len(shape) == 4 else SAMPLES
    reference = Reference.of(asdict(settings))
    title = title_of(model, settings.dataset)
    compared = measure is None
    measure = measure or (
        lambda model, samples: evaluate_samples(samples, reference, asked(model, len(samples)) if by_class else None)
    )

    def figures_of(model: Any) -> dict[str, Any]:
        return dict(measure(model, _single(sample(model, count, settings.seed))))

    evaluation = None
    if chief:
        history.trim(output / history.FILE, start)
        if settings.evaluate_every:
            best = output / "best.keras" if settings.keep else None
            evaluation = callbacks.Evaluation(figures_of, settings.evaluate_every, best, history.rows(output / history.FILE))
            watching.append(evaluation)
        watching += [
            callbacks.SampleGrid(
                output / "samples", count=shown, every=settings.picture_every, draw=draw, sample=sample, title=title
            ),
            history.History(output / history.FILE, start),
        ]
    if chief and backend.name() == "tensorflow" and _has_tensorboard():
        watching.append(keras.callbacks.TensorBoard(output / "tensorboard"))
    began = time.time()
    of = f" on {settings.dataset}" if settings.dataset else ""
    print(
        f"{type(model).__name__}{of}: examples {shape}, {model.count_params():,} weights, output {output}/",
        flush=True,
    )
    if start < epochs:
        limit = {"steps_per_epoch": _SMOKE["steps_per_epoch"]} if settings.smoke else {}
        kwargs = {} if _is_dataset(data) or isinstance(data, keras.utils.PyDataset) else {"batch_size": settings.batch_size}
        with warnings.catch_warnings():
            if settings.smoke:  # data of a single round are enough to see that everything runs
                warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
            play = functools.partial(fit, model) if fit is not None else model.fit
            play(data, epochs=epochs, initial_epoch=start, callbacks=watching, **kwargs, **limit)
    if not chief:
        return {}
    seconds = time.time() - began
    atomic_write(output / "model.keras", model.save)
    samples = _single(sample(model, count, settings.seed))
    figures = {"epochs": epochs, "seconds": round(seconds, 1), **history.last(output / history.FILE), **measure(model, samples)}
    if evaluation is not None and evaluation.best_epoch is not None:
        figures["best_epoch"] = evaluation.best_epoch
    some = {4: 100, 5: 36}
    picked = samples if by_class else keras.tree.map_structure(lambda part: part[: some.get(part.ndim)], samples)
    draw(output / "samples.png", picked, f"{title}, epoch {epochs}")
    if (drawn := history.draw({"": history.rows(output / history.FILE)})) is not None:
        pictures.save_figure(output / "losses.png", drawn)
    if compared and not settings.smoke:  # an application's data need not be what their name says
        of = settings.dataset or ""  # those of tensorflow-datasets may not fit in memory
        figures.update(
            draw_real(output, picked, reference, neighbors=of in datasets.names() or of.startswith(("folder:", "idx:")))
        )
    write_json(output / "metrics.json", figures)
    report.write(output / "report.html", [output])
    print(f"Figures in {output / 'metrics.json'}, pictures in {output / 'samples.png'}, all of it in {output / 'report.html'}:")
    for name, value in figures.items():
        print(f"  {name}: {value:.4g}" if isinstance(value, float) else f"  {name}: {value}")
    return figures


def _prepared(
    build: Callable[[Any], Any], settings: RunSettings, data: Callable[[], tuple[Any, Any]] | None
) -> tuple[Any, Any, Any]:
    if settings.precision not in (None, *PRECISIONS):
        raise ValueError(f"--precision must be one of {', '.join(PRECISIONS)}. Received: {settings.precision!r}.")
    data, shape = training_data(settings) if data is None else data()
    before = keras.config.dtype_policy()
    if settings.precision is not None:
        keras.config.set_dtype_policy(settings.precision)
    try:
        model = build(shape)
    finally:
        # What measures the samples afterwards keeps its own precision.
        keras.config.set_dtype_policy(before)
    if settings.optimizer or settings.learning_rate:
        _choose_optimizers(model, settings)
    memory.require(model, settings.batch_size)
    return model, data, shape


def _choose_optimizers(model: Any, settings: RunSettings) -> None:
    """Compile a model again, with the optimizers and rates that the settings name in place of those that it has."""
    given = keras.saving.deserialize_keras_object(model.get_compile_config())
    chosen = given["optimizers"]

    def moves_of(option: str, text: str) -> tuple[list[str], str]:
        head, equals, value = text.partition("=")
        if not equals or "," in head:  # the first = belongs to an argument
            return list(chosen), text
        if head not in chosen:
            raise ValueError(f"--{option} {text!r}: {type(model).__name__} has the moves {', '.join(chosen)}.")
        return [head], value

    for text in settings.optimizer or ():
        moves, described = moves_of("optimizer", text)
        name, *assignments = described.split(",")
        pairs = [assignment.partition("=") for assignment in assignments]
        try:
            config = {key.strip(): json.loads(value) for key, _, value in pairs}
            for move in moves:
                chosen[move] = keras.optimizers.get({"class_name": name, "config": dict(config)})
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"--optimizer {text!r} must be MOVE=NAME,ARGUMENT=VALUE,... with an optimizer of Keras and its arguments, such as "
                f"adam,beta_1=0.5: {' '.join(str(error).split())[:200]}"
            ) from error
    for text in settings.learning_rate or ():
        moves, rate = moves_of("learning-rate", text)
        try:
            value = POSITIVE.accepts(float(rate)) and float(rate)
        except ValueError:
            value = False
        if not value:
            raise ValueError(f"--learning-rate must be a number > 0, or MOVE=NUMBER. Received: {text!r}.")
        for move in moves:
            chosen[move] = type(chosen[move]).from_config({**chosen[move].get_config(), "learning_rate": value})
    model.compile(**given)


def load(path: FilePath, *kinds: type) -> Any:
    """A trained model, not compiled, from a .keras file, the folder of a run, or `preset:NAME`, one that comes with kgan or lies in a
    folder; of a run that was stopped, its newest checkpoint, with a warning that says so.

    Raises:
        FileNotFoundError: there is none. ValueError: the file is none that this version can load, or, where `kinds` are given, holds none
            of these classes.
    """
    model = _loaded(path)
    if kinds and not isinstance(model, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{str(path)!r} holds the system {type(model).__name__}, not {wanted}. Name a run of this application.")
    return model


def _loaded(path: FilePath) -> Any:
    if str(path).startswith(_PRESET):
        return AdversarialModel.from_preset(str(path).removeprefix(_PRESET))
    path = Path(path)
    if path.is_dir():
        run, path = path, path / "model.keras"
        saved = callbacks.checkpoints(run / "checkpoints")
        if saved and not path.is_file():
            path = saved[-1]
            warnings.warn(f"The run {str(run)!r} is not finished; this is its newest checkpoint, {path.name}.", stacklevel=3)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no model file {str(path)!r}. Give a .keras file, or the folder of a run that is finished or has checkpoints."
        )
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


def place_of(model: str) -> Path:
    """The file or folder that a run, a .keras file or `preset:NAME` stands for."""
    return presets.find(model.removeprefix(_PRESET)) if model.startswith(_PRESET) else Path(model)


def keep(run: FilePath, folder: FilePath, half: bool = False) -> str:
    """Write the model of a run as a preset: weights without optimizers, its `settings.json`, and, if there is none yet, a model card.

    Args:
        run: folder of a run. folder: of the preset, made if missing. half: default False; True stores kernels in half precision.

    Returns:
        str, the fingerprint of the files.

    Raises:
        FileNotFoundError: no run, or no model in it.
    """
    run, folder = Path(run), Path(folder)
    model, settings = load(run), read_settings(run)
    kept = read_json(
        run / "settings.json", "the settings of a run", lambda content: {k: v for k, v in content.items() if k != "started_in"}
    )
    found = presets.save(model, folder, {"settings.json": lambda path: write_json(path, kept)}, half=half)
    if not (folder / "README.md").exists():
        figures = read_json(run / "metrics.json", "figures", dict) if (run / "metrics.json").is_file() else {}
        lines = [
            f"# {type(model).__name__}" + (f" of {settings['dataset']}" if settings["dataset"] else ""),
            "",
            f"- Data: {settings['dataset'] or 'those of the command'}. Say whose they are and what their license allows.",
            f"- Made by: `{kept.get('program')}`, seed {settings['seed']}, {settings['epochs']} epochs; kgan {kept['versions']['kgan']}.",
            f"- Figures: {', '.join(f'{name} {value:.4g}' for name, value in figures.items()) or 'none'}.",
            "- Limits: say what it does not do.",
        ]
        atomic_write(folder / "README.md", lambda path: Path(path).write_text("\n".join(lines) + "\n"))
    return found


def folder_of(run: str, usual: str, preset: str | None = None, part: str = "") -> Path:
    """The folder of a run, for what follows a training: the one that is named; else the usual one, if it is there; else that of a preset.

    Args:
        run: a folder, a .keras file, `preset:NAME`; "": none is named. usual: such as "runs/cogan". preset: one that comes along.
        part: folder within the run in which the model is.

    Returns:
        The path that was named, or a folder. A preset is written as a run would be, `model.keras` and `settings.json`, to
        `presets/NAME` beside the usual one.

    Raises:
        ValueError: there is no such preset. FileNotFoundError: neither a run nor a preset.
    """
    if run and not run.startswith(_PRESET):
        return Path(run)
    if not run and Path(usual).exists():
        return Path(usual)
    name = run.removeprefix(_PRESET) or preset
    if name is None:
        raise FileNotFoundError(
            f"There is no run {usual}, and no preset of it comes with kgan. Run the training first, or name a run."
        )
    folder = Path(usual).parent / "presets" / Path(name).name
    place, known = folder / part, folder / "fingerprint"
    # Presets of one name lie in several folders, and are replaced: what was unpacked before may be another one.
    found = presets.fingerprint(name)
    if not known.is_file() or known.read_text() != found or not (place / "model.keras").is_file():
        model, settings = load(f"{_PRESET}{name}"), presets.find(name) / "settings.json"
        place.mkdir(parents=True, exist_ok=True)
        if settings.is_file():  # of a run, as `keep` writes them
            atomic_write(place / "settings.json", lambda path: shutil.copyfile(settings, path))
        atomic_write(place / "model.keras", model.save)
        atomic_write(known, lambda path: Path(path).write_text(found))
    print(f"{'' if run else f'There is no run {usual}: '}the model is the preset {name}, which is in {folder} now.")
    return folder


def file_beside_picture(output: str, usual: Path, suffix: str) -> Path:
    """The file that a command writes beside a picture of the same name: `output`, else the usual one.

    Raises:
        ValueError: it does not end in `suffix`; ending in .png, it would be lost to the picture.
    """
    path = Path(output) if output else usual
    if path.suffix != suffix:
        raise ValueError(f"--output must end in {suffix}: the picture beside it ends in .png. Received: {str(path)!r}.")
    return path


def title_of(model: Any, dataset: str | None) -> str:
    """Which system, and on which data set if that is known, for titles of pictures."""
    name = name_of(dataset)
    return f"{type(model).__name__} on {name}" if name else type(model).__name__


def _reason(error: BaseException) -> str:
    """What Keras found, without the configuration that it prints around it."""
    lines = str(error).split("Exception encountered:")[-1].strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def generate(model: Any, count: int, seed: int = 0, condition: str | None = None) -> Nest:
    """`model.generate`, in single precision whatever the model's: neither files nor metrics know bfloat16.

    A conditional model is asked for the classes of `asked`.
    """
    classes = asked(model, count, condition)
    try:
        return _single(model.generate(count, condition=None if classes is None else list(classes), seed=seed))
    except ValueError as error:
        if classes is None and "condition" in str(error):
            raise ValueError(
                f"{type(model).__name__} makes its samples of something that it is given. Use the scripts of its application, or in Python "
                f"model.generate(count, condition=...). It says: {error}"
            ) from error
        raise


def asked(model: Any, count: int, condition: str | None = None) -> Array | None:
    """The classes that samples are of, in turn: those of a condition, or all; None of a model without classes.

    In turn, so that the first of them, which figures may stop at, are of all classes.

    Args:
        model, count: as in `generate`. condition: classes by their numbers or names, with commas between them; default None: all.

    Raises:
        ValueError: a model without classes, or without such ones.
    """
    if not getattr(model, "conditional", False):
        if condition is not None:
            raise ValueError(f"{type(model).__name__} was trained without classes; leave --condition out.")
        return None
    names = model.class_names
    wanted = range(len(names)) if condition is None else [_class_of(model, one.strip()) for one in condition.split(",")]
    return _in_turn(wanted, count)


def _in_turn(classes: Sequence[int], count: int) -> Array:
    return np.asarray(classes, "int32")[np.arange(count) % len(classes)]


def _class_of(model: Any, text: str) -> int:
    """A class from the text of a command line: a name, or a number where no name is such."""
    return int(model.labels_of(int(text) if text.isdigit() and text not in model.class_names else text, 1)[0])


def _single(samples: Nest) -> Nest:
    half = ("float16", "bfloat16")
    return keras.tree.map_structure(lambda part: part.astype("float32") if part.dtype.name in half else part, samples)


@contextlib.contextmanager
def _claimed(output: Path, settings: RunSettings, about: Mapping[str, Any]) -> Iterator[None]:
    """The folder belongs to this run; one that was free is free again where the run fails before its first checkpoint."""
    made, free = not output.exists(), not (output / "settings.json").exists()
    _claim(output, settings, about)
    try:
        yield
    except Exception:
        if free and not callbacks.checkpoints(output / "checkpoints"):
            (output / "settings.json").unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):  # there are pictures in it
                    output.rmdir()
        raise


def _claim(output: Path, settings: RunSettings, about: Mapping[str, Any]) -> None:
    """Take the folder for this run: a new one, or the same run again with --resume."""
    described = {**asdict(settings), **about}
    described = {k: v for k, v in described.items() if k not in ("output", "resume")}
    path = output / "settings.json"
    if path.exists():
        if not settings.resume:
            raise RunError(f"{output} holds a run already. Go on with --resume, or choose another --output.")
        stored, here = read_settings(path), {**described, **{name: _from_here(described[name]) for name in _PLACED}}
        free = ("epochs", "checkpoint_every", "picture_every", "evaluate_every", "keep", "extractor")
        changed = sorted(k for k in {*stored, *here} if k not in free and stored.get(k) != here.get(k))
        if changed:
            pairs = ", ".join(f"{k}: {stored.get(k)!r} there, {here.get(k)!r} here" for k in changed)
            raise RunError(f"{output} holds a run with other settings ({pairs}). Use them to resume, or choose another --output.")
    try:
        output.mkdir(parents=True, exist_ok=True)
        versions = {"kgan": __version__, "keras": keras.__version__, "numpy": np.__version__, "python": platform.python_version()}
        # As seen from the run, so that both may be moved together, and no path of this machine is told to others.
        begun = os.path.relpath(os.path.realpath("."), os.path.realpath(output))
        program = {"program": _program(about)}
        write_json(path, {"settings": described, **program, "started_in": begun, "backend": backend.name(), "versions": versions})
    except OSError as error:
        raise RunError(f"The folder {output} cannot be written ({error.strerror}). Choose another --output.") from error


def _program(about: Mapping[str, Any]) -> str | None:
    """The training command as one types it; None where it is none, a notebook say."""
    script = Path(sys.argv[0])
    if script.name not in ("train.py", "refine.py", "tags.py", "adapt.py", "table.py"):
        return f"kgan train {about['system']}" if "system" in about else None
    here = Path(os.path.relpath(script))
    return f"python {script.name if '..' in here.parts else here.as_posix()}"


def training_data(settings: RunSettings, labels: bool = False) -> tuple[Any, tuple[int, ...]]:
    """The data that settings name, arrays where they fit in memory, and the shape of one example; with `labels`, pairs of both."""
    if settings.dataset.startswith("folder:") or settings.dataset.startswith("tfds:"):
        options: dict[str, Any] = {"resize": settings.resize, "seed": settings.seed, "passes": settings.passes, "labels": labels}
        if settings.dataset.startswith("folder:"):
            options |= {"held_out": settings.held_out, "cache": settings.cache}
        dataset = datasets.load(settings.dataset, "train", settings.batch_size, settings.image_size, **options)
        return dataset, tuple((dataset.element_spec[0] if labels else dataset.element_spec).shape[1:])
    examples, classes = datasets.arrays(settings.dataset, "train", settings.image_size, settings.resize)
    if settings.passes > 1:
        examples, classes = (np.concatenate([part] * settings.passes) for part in (examples, classes))
    return (examples, classes) if labels else examples, examples.shape[1:]


def classes_of(settings: RunSettings) -> list[str] | int:
    """Names of the classes of the data that settings name, or their number where they have no names.

    Raises:
        ValueError: data of fewer than two classes.
    """
    names = datasets.class_names(settings.dataset)
    if len(names) > 1:
        return names
    if settings.dataset.startswith("folder:"):
        raise ValueError(
            f"--classes needs a folder with a subfolder for each class; {settings.dataset!r} has {len(names)} of them."
        )
    count = int(datasets.arrays(settings.dataset, "train", settings.image_size, settings.resize)[1].max()) + 1
    if count < 2:
        raise ValueError(f"--classes needs data of several classes; {settings.dataset!r} has one.")
    return count


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "element_spec")


def _has_tensorboard() -> bool:
    import importlib.util

    return importlib.util.find_spec("tensorboard") is not None


def _real_points(dataset: str) -> Array | None:
    return getattr(datasets, dataset)().sample(1000, 0) if dataset in ("ring", "grid") else None


def guarded(main: Callable[[], object]) -> None:
    """Run a command line's main function: errors the user can mend become one line and exit code 2, an interruption 130; a warning of ours
    is a line, too.
    """
    formatted = warnings.formatwarning

    def plain(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
        return f"warning: {message}\n" if category is UserWarning else formatted(message, category, filename, lineno, line)

    warnings.formatwarning = plain
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
    finally:
        warnings.formatwarning = formatted
