"""Trained generators for programs without Keras: SavedModel, ONNX and LiteRT files, run by the runtime of their format before they are
handed over.
"""

import contextlib
import importlib
import io
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import shown
from kgan.engine.adversarial import signature_of
from kgan.types import Array, FilePath, Nest

SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "tf_saved_model": ""}
OPSET = 15  # of ONNX: runtimes since 2021
TOLERANCE = 1e-5  # of the largest number of the samples


def export(model: Any, path: FilePath, format: str = "onnx", count: int = 4, condition: Any = None) -> dict[str, Any]:
    """Write what `model.generate` uses to a file, run that file, and compare.

    The file takes what `model.generator_inputs` returns, such as latents `(batch, latent_size)`; batches are of any size. It holds averaged
    weights if the model keeps averages, and draws nothing itself. ONNX files are of opset 15.

    Args:
        model: a system of kgan.
        path: of the file (of the folder for "tf_saved_model"), which must not be there yet.
        format: "onnx" (default; run by onnxruntime), "litert" (by ai_edge_litert) or "tf_saved_model". TensorFlow backend.
        count: default 4, samples that are compared.
        condition: of systems that make samples from examples (transfer, refinement, flow, the next frames, stories, actions), `count` of
            them, as for `generate`; default None.

    Returns:
        dict: `inputs` and `outputs`, names to shapes with None for the batch; `difference`, the largest between what the file makes and
        what the model makes; `opset` of ONNX.

    Raises:
        ValueError: an unknown format; a model whose inputs depend on a condition that is not given; one of operations that the format does
            not have; a file that does not make what the model does. Nothing is left behind then. `PixelGANAutoencoder` draws its pixels
            in a loop, of which tf2onnx (seen with 1.17) makes the right file or a wrong one by the names that layers happen to have: such a
            file is refused; a SavedModel is right.
        FileExistsError: the path is taken. ImportError: the runtime of the format is not installed; the message says how.

    Example:
    >>> import kgan, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "gan.onnx")
    >>> found = export(kgan.GAN((2,), seed=0), path)
    >>> found["inputs"], found["difference"] < 1e-6
    ({'args_0': (None, 2)}, True)
    """
    if format not in SUFFIXES:
        raise ValueError(f"`format` must be one of {shown(SUFFIXES)}. Received: {format!r}.")
    if backend.name() != "tensorflow":
        raise ValueError(f"Files are written on TensorFlow; the backend is {backend.name()}. Set KERAS_BACKEND=tensorflow.")
    path, run = Path(path), _RUNTIMES[format]()
    try:
        inputs = model.generator_inputs(count, seed=0) if condition is None else model.generator_inputs(count, condition, seed=0)
    except (NotImplementedError, ValueError) as error:
        if condition is not None:
            raise
        raise ValueError(
            f"{type(model).__name__} makes samples from examples, and the file's inputs follow from theirs: give some as `condition`, on "
            f"the command line --condition FILE.npy. It says: {error}"
        ) from error
    opset = {"opset_version": OPSET} if format == "onnx" else {}
    if path.exists():
        raise FileExistsError(f"There is a {str(path)!r} already. Choose another path.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        made = Path(folder) / f"model{SUFFIXES[format]}"
        # Keras prints signatures, which we return; tf2onnx asks NumPy for what it will have.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            model.export(str(made), format=format, input_signature=signature_of(inputs), **opset)
        expected = [ops.convert_to_numpy(part) for part in keras.tree.flatten(model(inputs))]
        try:
            takes, gives, found = run(made, keras.tree.map_structure(ops.convert_to_numpy, inputs))
        except Exception as error:
            # Whatever a runtime says of operations that it does not have.
            reason = str(error).strip().splitlines()[0][:300]
            raise ValueError(f"{type(model).__name__} cannot be had as {format}: {reason}") from error
        scale = max(1.0, *(float(np.abs(part).max()) for part in expected))
        difference = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
        if not difference <= TOLERANCE * scale:
            raise ValueError(
                f"The {format} file of {type(model).__name__} makes other samples than the model: {difference:.2g} apart."
            )
        shutil.move(made, path)
    return {"inputs": takes, "outputs": gives, "difference": difference, **({"opset": OPSET} if opset else {})}


Shapes = Mapping[str, tuple[int | None, ...]]
Runtime = Callable[[Path, Nest], tuple[Shapes, Shapes, list[Array]]]


def _shape(sizes: Any) -> tuple[int | None, ...]:
    return tuple(int(size) if isinstance(size, int | np.integer) and size > 0 else None for size in sizes)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"Files of other formats need {name.partition('.')[0]}: pip install 'kgan[export]'.") from error


def _onnx() -> Runtime:
    runtime = _module("onnxruntime")
    _module("tf2onnx")

    def run(path: Path, inputs: Nest) -> tuple[Shapes, Shapes, list[Array]]:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        takes = {one.name: _shape(one.shape) for one in session.get_inputs()}
        gives = {one.name: _shape(one.shape) for one in session.get_outputs()}
        return takes, gives, session.run(None, dict(zip(takes, keras.tree.flatten(inputs), strict=True)))

    return run


def _litert() -> Runtime:
    interpreter = _module("ai_edge_litert.interpreter")

    def run(path: Path, inputs: Nest) -> tuple[Shapes, Shapes, list[Array]]:
        model = interpreter.Interpreter(str(path))
        details, parts = model.get_input_details(), keras.tree.flatten(inputs)
        takes, gives = (
            {one["name"]: _shape(one["shape_signature"]) for one in of} for of in (details, model.get_output_details())
        )
        for detail, part in zip(details, parts, strict=True):
            model.resize_tensor_input(detail["index"], part.shape)
        model.allocate_tensors()
        for detail, part in zip(details, parts, strict=True):
            model.set_tensor(detail["index"], part)
        model.invoke()
        takes, gives = (
            {one["name"]: _shape(one["shape_signature"]) for one in of} for of in (details, model.get_output_details())
        )
        return takes, gives, [model.get_tensor(one["index"]) for one in model.get_output_details()]

    return run


def _saved_model() -> Runtime:
    def run(path: Path, inputs: Nest) -> tuple[Shapes, Shapes, list[Array]]:
        made = keras.tree.flatten(keras.layers.TFSMLayer(str(path), call_endpoint="serve")(inputs))
        takes, gives = (
            {f"{what}_{i}": (None, *part.shape[1:]) for i, part in enumerate(parts)}
            for what, parts in (("input", keras.tree.flatten(inputs)), ("output", made))
        )
        return takes, gives, [ops.convert_to_numpy(part) for part in made]

    return run


_RUNTIMES: Mapping[str, Callable[[], Runtime]] = {"onnx": _onnx, "litert": _litert, "tf_saved_model": _saved_model}
