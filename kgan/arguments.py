"""What the house's argument names mean: one table of kinds, checked before any constructor runs.

The same word means the same everywhere (`latent_size` is a whole number, `..._weight` a finite number >= 0), so the check stands here once.
A constructor keeps what is its own: limits between arguments, choices, networks that must fit.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Number
from typing import ClassVar, NamedTuple

import keras


class Kind(NamedTuple):
    """A test of a value, and the words for what passes it."""

    accepts: Callable
    words: str

    def or_none(self):
        """The same, or None."""
        return Kind(lambda value: value is None or self.accepts(value), f"{self.words} or None")


def _whole(value):
    # Python's own numbers alone: those of NumPy cannot be written into a configuration.
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _each(accepts, value):
    return isinstance(value, (list, tuple)) and all(accepts(v) for v in value)


def _shape(value):
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(name, str) and _shape(own) for name, own in value.items())
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(_whole(n) and n > 0 for n in value)


def _network(value):
    return isinstance(value, keras.layers.Layer) and getattr(value, "input_shape", None) is not None


COUNT = Kind(lambda v: _whole(v) and v >= 1, "an integer >= 1")
SEVERAL = Kind(lambda v: _whole(v) and v >= 2, "an integer >= 2")
NATURAL = Kind(lambda v: _whole(v) and v >= 0, "an integer >= 0")
COUNTS = Kind(lambda v: _each(COUNT.accepts, v), "a list or tuple of integers >= 1")
POSITIVE = Kind(lambda v: _number(v) and v > 0, "a finite number > 0")
NONNEGATIVE = Kind(lambda v: _number(v) and v >= 0, "a finite number >= 0")
NUMBER = Kind(_number, "a finite number")
NUMBERS = Kind(lambda v: _each(_number, v), "a list or tuple of finite numbers")
FLAG = Kind(lambda v: isinstance(v, bool), "True or False")
TEXT = Kind(lambda v: isinstance(v, str), "a string")
SEED = Kind(NATURAL.accepts, "an integer from 0 to 2**31 - 1 or None")
SHAPE = Kind(
    lambda v: v is None or _shape(v), "the shape of one example, a tuple of positive integers such as (2,) or (32, 32, 3)"
)
NETWORK = Kind(_network, "a Keras model that knows its input, such as a functional or a built one")
LAYER = Kind(lambda v: isinstance(v, keras.layers.Layer), "a Keras layer")
BUILT = Kind(lambda v: LAYER.accepts(v) and v.built, "a built Keras model, one with an Input or called once on an example")
NETWORKS = Kind(lambda v: NETWORK.accepts(v) or (_each(NETWORK.accepts, v) and len(v) > 0), "a Keras model, or a list of them")
FUNCTION = Kind(callable, "callable")
SEQUENCE = Kind(lambda v: isinstance(v, (list, tuple)), "a list or tuple")
BANDWIDTHS = Kind(
    lambda v: callable(v) or POSITIVE.accepts(v) or _each(POSITIVE.accepts, v), "a kernel, or bandwidths: numbers > 0"
)

KINDS = {
    COUNT: "base base_maps bits_per_block block classifier_epochs code_size components cuts discriminator_steps encoder_steps "
    "epochs_per_component every filters generator_batch generator_steps group_size images_per_phase keep_every kernel_size "
    "latent_size matching_power max_maps message_length noise_size num_discriminators num_generators num_kernels num_photos patience "
    "photo_size pieces policy_steps power_iterations reward_steps samples_kept sentence_length sghmc_steps size slots "
    "start_resolution strides units",
    SEVERAL: "classes reference_size vocabulary_size",
    NATURAL: "burn_in extra_noise steps",
    COUNTS: "critic_hidden hidden",
    POSITIVE: "amplitude bound classifier_learning_rate clip epsilon gain gamma init_stdv loss_weight prior_variance stddev width",
    POSITIVE.or_none(): "anti_labeler_decay",
    NONNEGATIVE: "accuracy_gate anti_labeler_weight classification_weight consistency drift eve_weight feasible_set_weight "
    "feature_weight history_weight image_weight kappa kl_weight margin message_weight penalty_weight "
    "reconstruction_weight rl_weight target unlabeled_weight variance weight weight_decay",
    NUMBERS: "margin_rates margins",
    BANDWIDTHS: "kernel sigmas",
    NUMBER: "high low mean",
    FLAG: "adversarial_reconstructor append average deterministic feature_matching frozen_embedding info_updates_trunk joint_batch "
    "learn_variance log_reward normalize one_sided per_token quantise residual scale simultaneous squared swapped_cross_entropy "
    "trick use_bias",
    TEXT: "architecture clip_scope divergence feature_layer fusion image_distance link marginal message_distance name "
    "region squash variant",
    SEED: "seed",
    SHAPE: "data_shape image_shape voxel_shape",
    LAYER: "baseline",
    BUILT: "alice bob eve",
    NETWORK: "anti_labeler classifier decoder discriminator encoder generator labeler recognizer reward",
    FUNCTION: "prior",
    SEQUENCE: "codes penalties",
}
BY_NAME = {name: kind for kind, names in KINDS.items() for name in names.split()}


class Checked:
    """Put before other bases: the arguments of a constructor are checked by their names before it runs.

    A class whose argument means something else under a name of the table says so in `argument_kinds`; None there leaves it alone.
    """

    argument_kinds: ClassVar = {}

    def __new__(cls, *args, **kwargs):
        check_arguments(cls, args, kwargs)
        make = super().__new__
        return make(cls) if make is object.__new__ else make(cls, *args, **kwargs)


def parameters(cls):
    """The constructor's parameters by name, those of its bases included where `**kwargs` passes them on."""
    found = {}
    for base in cls.__mro__:
        own = inspect.signature(base.__init__).parameters.values()
        for p in own:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self":
                found.setdefault(p.name, p)
        if all(p.kind != p.VAR_KEYWORD for p in own):
            break
    return found


def _positional(cls):
    """Names of the arguments that may be given by their place, those of a base where `*args` passes them on."""
    for base in cls.__mro__:
        own = inspect.signature(base.__init__).parameters.values()
        if all(p.kind != p.VAR_POSITIONAL for p in own):
            return [p.name for p in own if p.kind == p.POSITIONAL_OR_KEYWORD][1:]
    return []


def check_arguments(cls, args, kwargs):
    """Refuse values that are not of the kind of their names.

    Raises:
        TypeError: says the class, the argument, what is allowed and what came. ValueError: the same, for a number out of its range.
    """
    known = parameters(cls)
    order = _positional(cls)
    kinds = BY_NAME | {
        name: kind for base in reversed(cls.__mro__) for name, kind in vars(base).get("argument_kinds", {}).items()
    }
    for name, value in {**dict(zip(order, args, strict=False)), **kwargs}.items():
        kind = kinds.get(name)
        if kind is None or name not in known or (value is None and known[name].default is None) or kind.accepts(value):
            continue
        optional = " or None" if known[name].default is None and "None" not in kind.words else ""
        raise _error(value)(f"`{name}` of {cls.__name__} must be {kind.words}{optional}. Received: {shown(value)}.")


def require(kind, **values):
    """Refuse arguments of a function that are not of a kind. TypeError or ValueError: as `check_arguments`."""
    for name, value in values.items():
        if not kind.accepts(value):
            raise _error(value)(f"`{name}` must be {kind.words}. Received: {shown(value)}.")


def _error(value):
    return ValueError if isinstance(value, Number) and not isinstance(value, bool) else TypeError


def shown(value):
    """A value as an error shows it: on one line, not longer than a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}... ({type(value).__name__})"
