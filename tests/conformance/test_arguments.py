"""Fuzzed constructors: whatever is given to whichever argument, a system is made, or an error of ours says what is wrong."""

import functools
import traceback
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kgan
from tests.conformance.specs import SPECS

FIRST_ROWS = {spec.family: spec for spec in reversed(SPECS.values())}
NAMES = {spec.family: name for name, spec in reversed(SPECS.items())}
HOME = str(Path(kgan.__file__).parent)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 9), st.floats(), st.text(max_size=5), st.binary(max_size=3)
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.tuples(SCALARS, SCALARS),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=2),
    st.sampled_from(
        [object(), np.zeros(3), np.int64(4), np.float32(0.5), int, print, Path("x"), keras.layers.Dense(2), "hinge", "cnn"]
    ),
)


@functools.cache
def arguments_of(family):
    keras.utils.set_random_seed(0)
    model = FIRST_ROWS[family].build()
    return {name: getattr(model, name) for name in model.argument_names()}


def refused_by_us(error):
    """Whether an error was raised on purpose: by a line of kgan."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(HOME) and isinstance(error, (ValueError, TypeError, OSError)) and len(str(error)) > 20


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("family", FIRST_ROWS, ids=NAMES.get)
def test_a_constructor_takes_or_refuses_anything(family):
    good = arguments_of(family)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(sorted(good)), VALUES)
    def fuzz(name, value):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                family(**{**good, name: value})
        except Exception as error:
            if not refused_by_us(error):
                raise AssertionError(f"{family.__name__}({name}={value!r}) was not refused by us: {error!r}") from error

    fuzz()


def test_the_fuzzer_knows_an_error_that_is_not_ours():
    with pytest.raises(ValueError) as found:
        np.zeros(3).reshape(2, 2)
    assert not refused_by_us(found.value)
    with pytest.raises(ValueError) as found:
        kgan.GAN((2,), latent_size=0)
    assert refused_by_us(found.value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: kgan.WGAN(clip=0.0), ValueError, "`clip` of WGAN must be a finite number > 0. Received: 0.0."),
        (lambda: kgan.DCGAN(filters=True), TypeError, "`filters` of DCGAN must be an integer >= 1 or None. Received: True."),
        (lambda: kgan.GAN((2, 0)), TypeError, "`data_shape` of GAN must be the shape of one example"),
        (lambda: kgan.GAN((2,), latent_size="many"), TypeError, "must be an integer >= 1 or None. Received: 'many'."),
        (
            lambda: kgan.GAN((2,), generator=3),
            ValueError,
            "`generator` of GAN must be a Keras model that knows its input",
        ),
        (lambda: kgan.GAN((2,), penalties=[1.0]), TypeError, "must hold kgan.penalties"),
        (lambda: kgan.penalties.R1(float("nan")), ValueError, "`weight` of R1 must be a finite number >= 0, or a schedule"),
        (lambda: kgan.GAN((2,), seed=-1), ValueError, "from 0 to"),
        (lambda: kgan.priors.Normal(stddev=0), ValueError, "`stddev` of Normal must be a finite number > 0. Received: 0."),
    ],
)
def test_errors_say_what_came_and_what_is_allowed(make, error, message):
    with pytest.raises(error) as found:
        make()
    assert message in str(found.value)


def test_a_class_of_a_users_own_may_mean_something_else():
    class Mine(kgan.AdversarialModel):
        def __init__(self, width="wide", height: int = 1, **kwargs):
            super().__init__(**kwargs)
            self.width, self.height = width, height

    assert Mine(width="narrow").width == "narrow"
    with pytest.raises(TypeError, match="`seed` of Mine"):
        Mine(seed="now")
    with pytest.raises(TypeError, match="`height` of Mine must be an integer"):
        Mine(height="tall")
