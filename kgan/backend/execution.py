"""What the engine must know of the framework beside gradients: state, control flow, replicas."""

import contextlib
import functools
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.types import Array, Nest, Tensor


class _Nesting(threading.local):
    """How many `value_and_gradients` enclose the present call, for torch."""

    depth = 0


nesting = _Nesting()


def name() -> str:
    """'tensorflow', 'jax' or 'torch'."""
    return keras.backend.backend()


def full_precision(*tensors: Tensor) -> Any:
    """The tensors in at least float32: losses and norms lose too much in half precision."""
    wide = [
        ops.cast(t, "float32") if keras.backend.standardize_dtype(t.dtype) in ("float16", "bfloat16") else t
        for t in map(ops.convert_to_tensor, tensors)
    ]
    return wide[0] if len(wide) == 1 else wide


def constant(variable: keras.Variable) -> Tensor:
    """The present value of a variable as a tensor: no gradient flows to the variable, later assignments do not show."""
    if name() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(variable.value)  # Keras' own conversion may hand the variable back
    value = ops.convert_to_tensor(variable)
    # The engine assigns only after the evaluation is over, so torch may share the storage; `snapshot` copies. Inside a
    # differentiation the value may be the point of an outer one (a rule over gradients), whose history must stay.
    return value.detach() if name() == "torch" and nesting.depth == 0 else value


def snapshot(variable: keras.Variable) -> Tensor:
    """Like `constant`, but safe against assignments in place."""
    value = constant(variable)
    return value.clone() if name() == "torch" else value


def no_gradient() -> AbstractContextManager[Any]:
    """A context in which the framework records nothing for differentiation (torch; elsewhere nothing records unasked)."""
    if name() == "torch":
        import torch

        return torch.no_grad()
    return contextlib.nullcontext()


def is_concrete(tensor: Tensor) -> bool:
    """Whether a tensor has a value that the host can read now: it has none inside of a trace."""
    if name() == "tensorflow":
        import tensorflow as tf

        return not tf.is_symbolic_tensor(tensor)
    if name() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return bool(tensor.device.type != "meta")


def dry_run(function: Callable[[], Any]) -> None:
    """Call a function that returns tensors for the sake of its Python side: abstractly on JAX, eagerly elsewhere."""
    if name() == "jax":
        import jax

        jax.eval_shape(function)
    else:
        with no_gradient():
            function()


def conditional(predicate: Tensor, compute: Callable[[], Nest], skip: Callable[[], Nest]) -> Nest:
    """`compute()` if the scalar `predicate` holds, else `skip()`; both return the same nest of tensors.

    Only the taken branch runs, except inside several replicas of `tf.distribute`, which allows no communication (such as
    synchronized batch normalization) in a branch: there both are evaluated and one is selected.
    """
    if name() == "torch":
        return compute() if bool(predicate) else skip()
    if replica_count() > 1:
        taken, skipped = compute(), skip()
        return keras.tree.map_structure(lambda a, b: ops.where(predicate, a, ops.cast(b, a.dtype)), taken, skipped)
    return ops.cond(predicate, compute, skip)


def in_order(train_function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A compiled training function whose assignments keep the order of the program.

    TensorFlow's graph optimizer may lose it. Its dependency pass drops the edge "first this assignment, then that one" where a way through
    the data says the same, then removes operations on that way (`IdentityN`, which Keras' optimizers put around all gradients): two
    steps on one weight in one graph may then swap. So this function is built and called without that pass.
    """
    if name() != "tensorflow" or train_function is None:
        return train_function
    import tensorflow as tf

    options = tf.config.optimizer

    @functools.wraps(train_function)
    def ordered(*args: Any, **kwargs: Any) -> Any:
        # Trainings in several threads, or one inside a callback of another: the first switches it off, the last back.
        with _switch.lock:
            if not _switch.users:
                _switch.before = options.get_experimental_options().get("dependency_optimization", True)
                options.set_experimental_options({"dependency_optimization": False})
            _switch.users += 1
        try:
            return train_function(*args, **kwargs)
        finally:
            with _switch.lock:
                _switch.users -= 1
                if not _switch.users:
                    options.set_experimental_options({"dependency_optimization": _switch.before})

    return ordered


class _Switch:
    """An option of the whole process, and how many calls need it off."""

    lock = threading.Lock()
    users, before = 0, True


_switch = _Switch()


def traced_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, as one that is traced and optimized once however often a step calls it.

    On TensorFlow, in a compiled step, it becomes a function of the graph that is not unrolled at its calls, so that a game of five
    discriminator steps starts as fast as one of one. Elsewhere, eagerly, and under a strategy (whose replicas must not meet inside a
    function) it is returned as it is.

    Args:
        function: callable `(nest of tensors) -> nest of tensors`; it may assign to variables.
    """
    if name() != "tensorflow":
        return function
    import tensorflow as tf

    if tf.executing_eagerly() or tf.distribute.has_strategy():
        return function
    return tf.function(function, autograph=False, experimental_attributes={"_noinline": True})


def numpy_function(function: Callable[..., Any], tensors: Sequence[Tensor], dtypes: Any) -> Any:
    """`tf.numpy_function`, for as long as the compiled function or the data set that calls it.

    TensorFlow keeps what it is given with the graph outside of all functions, for ever, and with it the data that it reads.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        return tf.numpy_function(function, tensors, dtypes)
    graph = tf.compat.v1.get_default_graph()
    while hasattr(getattr(graph, "outer_graph", None), "outer_graph"):
        graph = graph.outer_graph
    graph._kgan_functions = [*getattr(graph, "_kgan_functions", ()), function]
    reference = weakref.ref(function)

    def call(*arrays: Any) -> Any:
        alive = reference()
        if alive is None:
            raise RuntimeError("The data set that is read from, or the model, is gone. Keep a reference to it.")
        return alive(*arrays)

    return tf.numpy_function(call, tensors, dtypes)


def host_call(function: Callable[..., Any], tensors: Sequence[Tensor], shape: Sequence[int | None], dtype: str) -> Tensor:
    """Call a function of NumPy arrays in the middle of a compiled step. No gradient flows through it.

    Args:
        function: callable `(*arrays) -> array`, of the arguments alone: the framework decides when, and whether, it is called. It must
            not compute with the framework.
        tensors: list of tensors, the arguments.
        shape: tuple, shape of the result; None where it is known only at run time (TensorFlow).
        dtype: type of the result.

    Returns:
        Tensor of that shape and type.

    Raises:
        ValueError: at run time, for a result of another shape.

    Example:
    >>> import numpy as np
    >>> from kgan.backend import host_call
    >>> float(host_call(np.median, [np.array([1.0, 5.0, 2.0])], (), "float32"))
    2.0
    """

    def call(*arrays: Any) -> Array:
        result = np.asarray(function(*map(np.asarray, arrays)), dtype)
        if len(result.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, result.shape, strict=True)):
            raise ValueError(f"A function on the host must return the shape {tuple(shape)}. Received: {result.shape}.")
        return result

    tensors = [ops.stop_gradient(ops.convert_to_tensor(t)) for t in tensors]
    if name() == "tensorflow":
        result = numpy_function(call, tensors, dtype)
        result.set_shape(shape)
        return result
    if name() == "jax":
        import jax

        return jax.pure_callback(call, jax.ShapeDtypeStruct(tuple(shape), dtype), *tensors)
    return ops.convert_to_tensor(call(*(ops.convert_to_numpy(t) for t in tensors)))


def _replica_context() -> Any:
    if name() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def replica_count() -> int:
    """Number of replicas that compute this step together under `tf.distribute`; 1 elsewhere."""
    context = _replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_offset(dtype: str) -> Tensor:
    """A number that differs from replica to replica, to be added to seeds (0 on the first)."""
    context = _replica_context()
    if context is None:
        return 0
    # Any constant far from the small seeds people choose keeps replica r of seed s apart from replica 0 of seed s + r.
    return ops.cast(context.replica_id_in_sync_group, dtype) * 1_000_003


def mean_over_replicas(tensor: Tensor) -> Tensor:
    """The mean of a tensor over replicas; the tensor itself without replicas."""
    context = _replica_context()
    if context is None:
        return tensor
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.MEAN, tensor)


def mean_over_workers(model: Any, tensor: Tensor) -> Tensor:
    """The mean over the processes that train a model together, outside of replicas; the tensor itself where there is one."""
    if worker_count(model) == 1:
        return tensor
    strategy = model.distribute_strategy
    return strategy.experimental_local_results(strategy.run(mean_over_replicas, (tensor,)))[0]


def gather_over_replicas(tensor: Tensor) -> Tensor:
    """The rows of all replicas in each of them, in their order; the tensor itself without replicas."""
    context = _replica_context()
    return tensor if context is None else context.all_gather(tensor, axis=0)


STRATEGIES = ("none", "mirrored", "multi-worker")


def strategy(kind: str) -> AbstractContextManager[Any]:
    """A context for all that trains a model: built and fitted inside, it uses every device.

    Args:
        kind: "none"; "mirrored": all devices of this process (`tf.distribute.MirroredStrategy`, on JAX `keras.distribution.DataParallel`);
            "multi-worker": all processes of the cluster that the environment variable TF_CONFIG describes (TensorFlow alone). To be
            entered before TensorFlow has computed anything.
    """
    if kind not in STRATEGIES:
        raise ValueError(f"The strategy must be one of {', '.join(STRATEGIES)}. Received: {kind!r}.")
    if kind == "none":
        return contextlib.nullcontext()
    if name() == "tensorflow":
        import tensorflow as tf

        if kind == "mirrored":
            return tf.distribute.MirroredStrategy().scope()
        if "TF_CONFIG" not in os.environ:
            raise ValueError(
                'The strategy "multi-worker" needs the environment variable TF_CONFIG, which names the workers and this one.'
            )
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    if name() == "jax" and kind == "mirrored":
        return keras.distribution.DataParallel().scope()
    raise ValueError(
        f"The strategy {kind!r} does not exist on {name()}: use TensorFlow{', or mirrored on JAX' * (name() == 'jax')}."
    )


def _resolver(model: Any) -> Any:
    if name() != "tensorflow":
        return None
    import tensorflow as tf

    return (tf.distribute.get_strategy() if model is None else model.distribute_strategy).cluster_resolver


def worker_count(model: Any = None) -> int:
    """Number of processes that train a model together; without a model, under the present strategy."""
    resolver = _resolver(model)
    return 1 if resolver is None else len(resolver.cluster_spec().as_dict().get("worker", [])) or 1


def cuts_predictions(model: Any) -> bool:
    """Whether Keras' `predict` would cut its batches over workers, who may have nothing to predict, or devices, which need equal parts."""
    return worker_count(model) > 1 or (name() == "jax" and keras.distribution.distribution() is not None)


def is_chief(model: Any = None) -> bool:
    """Whether this process is the one that writes files: the only one, or the first worker."""
    return worker_count(model) == 1 or (_resolver(model).task_type, _resolver(model).task_id) == ("worker", 0)


def strategy_scope(model: Any) -> AbstractContextManager[Any]:
    """The scope of the `tf.distribute` strategy under which the model was created."""
    if name() == "tensorflow":
        return model.distribute_strategy.scope()
    return contextlib.nullcontext()


def distributed(model: Any) -> int:
    """Number of replicas the model trains on: the strategy's on TensorFlow, 1 elsewhere."""
    if name() == "tensorflow":
        return model.distribute_strategy.num_replicas_in_sync
    return 1


def reducible_logs(model: Any, logs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Logs in the form that Keras can reduce over workers.

    Keras joins the logs of several workers along their first axis, which scalars lack ("Invalid reduction dimension 0").
    """
    if name() == "tensorflow":
        import tensorflow as tf

        if isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return {key: ops.reshape(value, (1,)) for key, value in logs.items()}
    return logs


def enable_determinism() -> None:
    """Ask the framework for equal results run after run, on accelerators too."""
    if name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif name() == "torch":
        import torch

        torch.use_deterministic_algorithms(True)
    else:
        raise RuntimeError("On JAX, set the environment variable XLA_FLAGS=--xla_gpu_deterministic_ops=true before starting.")


def write_image_summary(folder: str | Path, tag: str, pixels: Array, step: int) -> None:
    """Write a uint8 picture (height, width, 3) for TensorBoard."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError("TensorBoard images need TensorFlow: pip install 'kgan[cpu]'.") from error
    with tf.summary.create_file_writer(str(folder)).as_default():
        tf.summary.image(tag, pixels[None], step=step)
