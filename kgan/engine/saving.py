"""What a model's file holds: its configuration from the constructor's arguments, its weights, its random state."""

import contextlib
import functools
import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from kgan.arguments import Checked, parameters
from kgan.engine.play import seed_states
from kgan.types import Config, FilePath
from kgan.version import __version__


@contextlib.contextmanager
def _drawn_from(seed: Any) -> Iterator[None]:
    """Initializers without a seed of their own, and seeds of layers, follow from `seed` within this block, and from it alone.

    Keras draws such seeds from Python's generator, which comes back as it was.
    """
    if not isinstance(seed, int):
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _seeded(constructor: Callable[..., None]) -> Callable[..., None]:
    """A constructor of a model whose `seed` decides what it draws, the weights of the networks that it builds included."""

    @functools.wraps(constructor)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        outermost = not vars(self).get("_constructing", False)
        object.__setattr__(self, "_constructing", True)  # a base's constructor goes on where the family's was
        with _drawn_from(kwargs.get("seed") if outermost else None):
            constructor(self, *args, **kwargs)

    # Keras asks for the arguments without looking behind wrappers.
    construct.__signature__ = inspect.signature(constructor)  # type: ignore[attr-defined]
    return construct


class Saving(Checked, keras.Model):
    """Base of models: a configuration is the constructor's arguments, kept as attributes of the same name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _seeded(cls.__init__)  # type: ignore[method-assign]

    @classmethod
    def argument_names(cls) -> list[str]:
        """Names of the constructor's arguments, those of its base included where `**kwargs` passes them on."""
        return [name for name in parameters(cls) if name not in ("dtype", *cls.fixed_arguments)]

    def get_config(self) -> Config:
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.argument_names()}
        config["dtype"] = keras.saving.serialize_keras_object(self.dtype_policy)
        config["averages"] = self._averages.decays()
        config["kgan_version"] = __version__
        return _unsynchronized(config)

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        config = dict(config)
        written_by, averages = config.pop("kgan_version", None), config.pop("averages", {})
        unknown = sorted(set(config) - {*cls.argument_names(), "dtype"})
        if unknown:
            raise ValueError(
                f"This configuration of {cls.__name__} was written by kgan {written_by or '(unknown)'} and has arguments that kgan "
                f"{__version__} does not know: {', '.join(unknown)}. Use the version that wrote it."
            )
        config = {
            name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects) for name, value in config.items()
        }
        model = cls(**config)
        model._averages.set(averages)
        return model

    def save(self, filepath: FilePath, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """As `keras.Model.save`: a `.keras` file, or a folder with `zipped=False`.

        Raises:
            ValueError: for a file of another kind, before anything is written.
        """
        if zipped is not False and not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved in a .keras file, its weights alone by save_weights in a .weights.h5 file. Received: {str(filepath)!r}."
            )
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        # Keras leaves the states of seed generators out; a resumed run would repeat the noise of the first epochs.
        for index, seed in enumerate(seed_states(self)):
            store[f"seed_{index}"] = ops.convert_to_numpy(seed)
        store["averages"] = np.asarray(len(self._averages.variables()))
        for key, value in self._progress.state(self.metrics).items():
            store[key] = value

    def load_own_variables(self, store: Any) -> None:
        keys = list(store.keys())
        progress = {key: store[key] for key in keys if key == "progress" or key.startswith("logged_")}
        kept = len(self._averages.variables())
        if "averages" in keys and int(store["averages"][...]) != kept:
            here, there = ("none", "some") if not kept else ("averages", "others, or none")
            raise ValueError(
                f"The file and {type(self).__name__} differ in the averages that they keep: {here} here, {there} there. Compile with the "
                "`averages=` of the model that was saved, then load; or load the .keras file with keras.saving.load_model and take "
                'its network: `averaged("generator")`.'
            )
        own = {key: store[key] for key in keys if not key.startswith("seed_") and key != "averages" and key not in progress}
        super().load_own_variables(own)
        seeds = seed_states(self)
        stored = [key for key in keys if key.startswith("seed_")]
        if len(stored) != len(seeds):
            raise ValueError(f"The file holds {len(stored)} random states, this model has {len(seeds)}: not the same system.")
        for index, seed in enumerate(seeds):
            seed.assign(store[f"seed_{index}"][...])
        self._progress.load(progress)


def _unsynchronized(config: Any) -> Any:
    """The engine synchronizes batch normalization where a strategy is active; a file must load on every backend."""
    if isinstance(config, dict):
        return {k: False if k == "synchronized" else _unsynchronized(v) for k, v in config.items()}
    return [_unsynchronized(v) for v in config] if isinstance(config, list) else config
