"""Overlays: a value for every Keras variable, for as long as a `with` block lasts.

An adversarial game asks the same networks many questions at many points: "what is the loss at these weights", "what would
it be after three virtual steps of the opponent", "the generator with its averaged weights". An `Overlay` answers them on
TensorFlow, JAX and torch alike: inside it, variables read as the tensors it was given, and whatever layers assign
(moving averages, seeds, singular vectors) stays in the overlay until somebody asks for it.
"""

import threading
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Self

import keras

from kgan.backend.keras_names import adding_layer
from kgan.types import Tensor

_active = threading.local()


def _stack() -> list["Overlay"]:
    if not hasattr(_active, "overlays"):
        _active.overlays = []
    return _active.overlays


class Overlay(keras.StatelessScope):
    """Give variables other values inside a `with` block.

    Reads of a variable without a value here fall through to the enclosing scope, and last to the variable itself.

    Args:
        values: pairs `(variable, tensor)`. Gradients flow to these tensors.
        commit: default False. On leaving, pass what was assigned to variables not named in `values` on to the
            enclosing scope (or to the variables). False discards it.
        known: set of `id(variable)` or None. Refuse to read any other variable that has no value in any scope: it would
            escape saving, and on JAX, where `fit` empties the stored variables, it would silently read as its initial value.
        moving: set of `id(variable)` or None. Marks the evaluation of a move: the variables that this move may change.
        training: the phase that `kgan.backend.training()` reports inside.

    Example:
    >>> import keras
    >>> from kgan.backend import Overlay
    >>> weight = keras.Variable([1.0, 2.0])
    >>> with Overlay([(weight, keras.ops.convert_to_tensor([3.0, 4.0]))]):
    ...     float(keras.ops.sum(weight))
    7.0
    >>> float(keras.ops.sum(weight))
    3.0
    """

    def __init__(
        self,
        values: Iterable[tuple[keras.Variable, Tensor]] = (),
        commit: bool = False,
        known: AbstractSet[int] | None = None,
        moving: AbstractSet[int] | None = None,
        training: bool | None = None,
    ) -> None:
        super().__init__(initialize_variables=False)
        self.state_mapping: dict[int, Tensor] = {id(variable): value for variable, value in values}
        self.given = frozenset(self.state_mapping)
        self.updates: dict[int, tuple[keras.Variable, Tensor]] = {}
        self.fell_through: set[int] = set()
        """`id` of the variables that were read here and have no value in any scope."""
        self.added_losses: list[tuple[Any, Tensor]] = []
        """Pairs of a layer and a loss that it added here, in this order."""
        self.commit = commit
        self.known = known
        self.moving = moving
        self.training = training

    def __enter__(self) -> Self:
        super().__enter__()
        if self.moving is not None:
            self.collect_losses = True
        elif _stack() and _stack()[-1].collect_losses:
            # What layers add belongs to the move under evaluation, however deep the call.
            self.collect_losses, self.added_losses = True, _stack()[-1].added_losses
        _stack().append(self)
        return self

    def __exit__(self, error_type: type[BaseException] | None, *rest: Any) -> None:
        _stack().pop()
        super().__exit__(error_type, *rest)
        if self.commit and error_type is None:
            for variable, value in self.updates.values():
                if id(variable) not in self.given:
                    variable.assign(value)

    def get_current_value(self, variable: keras.Variable) -> Tensor | None:
        value = self.state_mapping.get(id(variable))
        if value is None and self.original_scope is not None:
            value = self.original_scope.get_current_value(variable)
        if value is None:
            self.fell_through.add(id(variable))
        if value is None and self.known is not None and id(variable) not in self.known:
            raise RuntimeError(
                f"The variable {variable.path!r} is read in a loss but does not belong to the model, so it would be neither "
                "saved nor carried through training. Make it an attribute of the model or of one of its layers (for random "
                "numbers: pass `seed=model.seed_generator`)."
            )
        return value

    def add_loss(self, loss: Tensor) -> None:
        # Not in `losses`, which Keras empties at every call of a network: a discriminator called twice would lose a term.
        self.added_losses.append((adding_layer(), loss))

    def add_update(self, update: tuple[keras.Variable, Tensor]) -> None:
        variable, value = update
        self.state_mapping[id(variable)] = value
        self.updates[id(variable)] = update


def training(default: bool = True) -> bool:
    """The phase of the innermost overlay that names one: True in a move, False in evaluation, else `default`."""
    for overlay in reversed(_stack()):
        if overlay.training is not None:
            return overlay.training
    return default


def advances(variable: keras.Variable) -> bool:
    """Whether a layer may now advance the state it keeps in `variable`.

    Outside the engine: always. While the engine evaluates a move: once, and only if the variable belongs to a player of
    that move. A power iteration asked for three times in one discriminator loss is thus made once, and never in the
    generator's move.
    """
    for overlay in reversed(_stack()):
        if id(variable) in overlay.updates:
            return False
        if overlay.moving is not None:
            return id(variable) in overlay.moving
    return True
