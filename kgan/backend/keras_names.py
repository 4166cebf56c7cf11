"""What Keras keeps behind an underscore and kgan needs, every name in this one place.

Keras promises none of them. `tests/backend/test_keras_names.py` holds them with the installed Keras; where one is gone, an error says so.
"""

import sys
from typing import Any

import keras


def _private(owner: Any, name: str) -> Any:
    if not hasattr(owner, name):
        raise RuntimeError(
            f"Keras {keras.__version__} has no `{name}` on {type(owner).__name__}, a name that it keeps to itself and this version of "
            "kgan needs. Install Keras 3.15 (pip install 'keras==3.15.*'), or a newer kgan."
        )
    return getattr(owner, name)


def all_layers(layer: keras.layers.Layer) -> list[Any]:
    """A layer or model, and all layers inside of it, however deep; those that are in no list of `layers` too."""
    return list(_private(layer, "_flatten_layers")())


def adding_layer() -> Any:
    """The layer whose `add_loss` has asked a scope to keep a loss; for the scope's `add_loss` to call.

    Keras hands scopes the loss alone, so the layer is read off the calling frame: `self` of the function two calls up. What Keras notes
    itself, the ids of a layer's losses, it forgets when the layer is called again, as a discriminator is within one move.
    """
    layer = sys._getframe(2).f_locals.get("self")
    if not isinstance(layer, keras.layers.Layer):
        raise RuntimeError(
            f"Keras {keras.__version__} hands losses that layers add to a scope from another place than `Layer.add_loss`, so that nobody "
            "knows whose they are. Install Keras 3.15 (pip install 'keras==3.15.*'), or a newer kgan."
        )
    return layer


def take_initial_epoch(model: keras.Model) -> int | None:
    """The epoch at which a callback that restores a run, such as Keras' `BackupAndRestore`, wants `fit` to begin; None if none does.

    It is asked for once: afterwards the model knows of none.
    """
    epoch: int | None = _private(model, "_initial_epoch")
    model._initial_epoch = None
    return epoch


def rate_or_schedule(optimizer: keras.optimizers.Optimizer) -> Any:
    """What an optimizer was given as its learning rate: the schedule itself, where the public attribute is its present value."""
    return _private(optimizer, "_learning_rate")


def index_of(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> int:
    """The place of a variable among those an optimizer was built for."""
    return int(_private(optimizer, "_get_variable_index")(variable))
