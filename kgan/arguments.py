"""What arguments may be: kinds that stand in the annotations of signatures, checked before any constructor runs.

`filters: Count = 128` says to a reader and to a type checker that `filters` is an int, and to `Checked` that it must be >= 1. A word
keeps one meaning over the whole package (`tests/test_signatures.py`); a class of a user's own may annotate otherwise, or not at all.
A constructor keeps what is its own: limits between arguments, choices, networks that must fit.
"""

import difflib
import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Annotated, Any, NamedTuple

import keras


class Kind(NamedTuple):
    """A test of a value, and the words for what passes it."""

    accepts: Callable[[Any], bool]
    words: str

    def __repr__(self) -> str:
        return self.words  # as signatures show it

    def or_none(self) -> "Kind":
        """The same, or None."""
        return Kind(lambda value: value is None or self.accepts(value), f"{self.words} or None")


def _whole(value: Any) -> bool:
    # Python's own numbers alone: those of NumPy cannot be written into a configuration.
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _each(accepts: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(accepts(v) for v in value)


def _shape(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(name, str) and _shape(own) for name, own in value.items())
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(_whole(n) and n > 0 for n in value)


def _network(value: Any) -> bool:
    return isinstance(value, keras.layers.Layer) and getattr(value, "input_shape", None) is not None


COUNT = Kind(lambda v: _whole(v) and v >= 1, "an integer >= 1")
SEVERAL = Kind(lambda v: _whole(v) and v >= 2, "an integer >= 2")
NATURAL = Kind(lambda v: _whole(v) and v >= 0, "an integer >= 0")
COUNTS = Kind(lambda v: _each(COUNT.accepts, v), "a list or tuple of integers >= 1")
POSITIVE = Kind(lambda v: _number(v) and v > 0, "a finite number > 0")
NONNEGATIVE = Kind(lambda v: _number(v) and v >= 0, "a finite number >= 0")
LEVEL = Kind(
    lambda v: NONNEGATIVE.accepts(v) or isinstance(v, keras.optimizers.schedules.LearningRateSchedule),
    "a finite number >= 0, or a schedule of such numbers over rounds (keras.optimizers.schedules)",
)
NUMBER = Kind(_number, "a finite number")
NUMBERS = Kind(lambda v: _each(_number, v), "a list or tuple of finite numbers")
FLAG = Kind(lambda v: isinstance(v, bool), "True or False")
TEXT = Kind(lambda v: isinstance(v, str), "a string")
SEED = Kind(NATURAL.accepts, "an integer from 0 to 2**31 - 1")
CLASSES = Kind(
    lambda v: SEVERAL.accepts(v) or (_each(TEXT.accepts, v) and len(v) >= 2 and len(set(v)) == len(v)),
    "an integer >= 2, or a list of so many different names",
)
SHAPE = Kind(_shape, "the shape of one example, a tuple of positive integers such as (2,) or (32, 32, 3)")
NETWORK = Kind(_network, "a Keras model that knows its input, such as a functional or a built one")
LAYER = Kind(lambda v: isinstance(v, keras.layers.Layer), "a Keras layer")
BUILT = Kind(lambda v: LAYER.accepts(v) and v.built, "a built Keras model, one with an Input or called once on an example")
NETWORKS = Kind(lambda v: NETWORK.accepts(v) or (_each(NETWORK.accepts, v) and len(v) > 0), "a Keras model, or a list of them")
FUNCTION = Kind(callable, "callable")
SEQUENCE = Kind(lambda v: isinstance(v, (list, tuple)), "a list or tuple")
BANDWIDTHS = Kind(
    lambda v: callable(v) or POSITIVE.accepts(v) or _each(POSITIVE.accepts, v), "a kernel, or bandwidths: numbers > 0"
)

# As annotations. Plain `bool`, `str`, `int` and `float` are checked as well: True or False, a string, a whole and a finite number.
Count = Annotated[int, COUNT]
Several = Annotated[int, SEVERAL]
Natural = Annotated[int, NATURAL]
Counts = Annotated[Sequence[int], COUNTS]
Positive = Annotated[float, POSITIVE]
NonNegative = Annotated[float, NONNEGATIVE]
Level = Annotated[float | keras.optimizers.schedules.LearningRateSchedule, LEVEL]
Numbers = Annotated[Sequence[float], NUMBERS]
Seed = Annotated[int, SEED]
Classes = Annotated[int | Sequence[str], CLASSES]
Shape = Annotated[Sequence[int], SHAPE]
Shapes = Annotated[Mapping[str, Sequence[int]], SHAPE]
Network = Annotated[keras.Model, NETWORK]
LayerLike = Annotated[keras.layers.Layer, LAYER]
BuiltNetwork = Annotated[keras.Model, BUILT]
Networks = Annotated[keras.Model | Sequence[keras.Model], NETWORKS]
Function = Annotated[Callable[..., Any], FUNCTION]
Listed = Annotated[Sequence[Any], SEQUENCE]
Bandwidths = Annotated[Callable[..., Any] | float | Sequence[float], BANDWIDTHS]

_PLAIN = {bool: FLAG, str: TEXT, int: Kind(_whole, "an integer"), float: NUMBER}


class Checked:
    """Put before other bases: the arguments of a constructor are checked by the annotations of its signature before it runs."""

    fixed_arguments: tuple[str, ...] = ()
    """Names of a base's arguments that a class with `**kwargs` sets itself: nobody may give them, and they are not configured."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        check_arguments(cls, args, kwargs)
        make = super().__new__
        return make(cls) if make is object.__new__ else make(cls, *args, **kwargs)


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The constructor's parameters by name, those of its bases included where `**kwargs` passes them on."""
    return {name: parameter for name, (parameter, _) in _signature(cls).items()}


@functools.lru_cache(maxsize=1024)
def _signature(cls: type) -> dict[str, tuple[inspect.Parameter, Kind | None]]:
    """Every parameter of the constructor and its kind, as `parameters`."""
    found: dict[str, tuple[inspect.Parameter, Kind | None]] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):  # what it inherits comes later
            continue
        constructor = base.__init__  # type: ignore[misc]
        own = inspect.signature(constructor).parameters.values()
        hints = typing.get_type_hints(constructor, include_extras=True) if inspect.isfunction(constructor) else {}
        for p in own:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self":
                found.setdefault(p.name, (p, kind_of(hints.get(p.name))))
        if all(p.kind != p.VAR_KEYWORD for p in own):
            break
    return found


def kind_of(annotation: Any) -> Kind | None:
    """The kind that an annotation stands for; None where it says nothing that can be checked."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if typing.get_origin(annotation) is Annotated:
        return next((m for m in annotation.__metadata__ if isinstance(m, Kind)), None)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = typing.get_args(annotation)
        kinds = [kind_of(member) for member in members if member is not type(None)]
        if any(kind is None for kind in kinds):
            return None
        words = " or ".join(dict.fromkeys(kind.words for kind in kinds if kind))
        either = Kind(lambda value: any(kind.accepts(value) for kind in kinds if kind), words)
        return either.or_none() if type(None) in members else either
    return None


def _positional(cls: type) -> list[str]:
    """Names of the arguments that may be given by their place, those of a base where `*args` passes them on."""
    for base in cls.__mro__:
        own = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        if all(p.kind != p.VAR_POSITIONAL for p in own):
            return [p.name for p in own if p.kind == p.POSITIONAL_OR_KEYWORD][1:]
    return []


# What `keras.layers.Layer` takes by `**kwargs`, beside the parameters it lists.
_KERAS_EXTRAS = {"input_dim", "input_shape", "batch_size", "batch_input_shape", "batch_shape", "weights"}


def check_arguments(cls: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse values that are not of the kind that the constructor's annotations name, and names it does not have.

    Raises:
        TypeError: says the class, the argument, what is allowed and what came; for an unknown name, the nearest one.
        ValueError: the same, for a number out of its range.
    """
    known = _signature(cls)
    fixed = getattr(cls, "fixed_arguments", ())
    allowed = _KERAS_EXTRAS if issubclass(cls, keras.layers.Layer) else set()
    for name in kwargs:
        if name in fixed:
            raise TypeError(f"{cls.__name__} sets `{name}` itself. Leave it out.")
        if name not in known and name not in allowed:
            free = [n for n in known if n not in fixed]
            near = difflib.get_close_matches(name, free, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise TypeError(f"{cls.__name__} has no argument `{name}`.{hint} Its arguments: {', '.join(free)}.")
    for name, value in {**dict(zip(_positional(cls), args, strict=False)), **kwargs}.items():
        kind = known[name][1] if name in known else None
        if kind is not None and not kind.accepts(value):
            raise _error(value)(f"`{name}` of {cls.__name__} must be {kind.words}. Received: {shown(value)}.")


def require(kind: Kind, **values: Any) -> None:
    """Refuse arguments of a function that are not of a kind, which NumPy's integers are. TypeError or ValueError: as `check_arguments`."""
    for name, value in values.items():
        if not kind.accepts(as_int(value)):
            raise _error(value)(f"`{name}` must be {kind.words}. Received: {shown(value)}.")


def as_int(value: Any) -> Any:
    """A whole number of NumPy, or of any kind that counts, as Python's; anything else as it is."""
    shape = getattr(value, "shape", ())
    return int(value) if hasattr(value, "__index__") and not isinstance(value, bool) and not shape else value


def _error(value: Any) -> type[Exception]:
    return ValueError if isinstance(value, Number) and not isinstance(value, bool) else TypeError


def shown(value: Any) -> str:
    """A value as an error shows it: on one line, not longer than a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}... ({type(value).__name__})"
