"""Codes: round trips by property, the errors they survive, and the strength chosen against SciPy's binomial."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgan.stego import coding

BOUNDED = settings(max_examples=40, deadline=None)


def soft(data, generator=None, flips=()):
    scores = 2.0 * coding.to_bits(data) - 1.0
    for byte in flips:
        scores[8 * byte + generator.integers(8)] *= -0.2
    return scores


@BOUNDED
@given(st.binary(min_size=1, max_size=1200), st.integers(1, coding.STRONGEST), st.integers(0, 2**32 - 1))
def test_as_many_wrong_bytes_as_promised_in_every_codeword(data, correctable, seed):
    generator = np.random.default_rng(seed)
    coded = coding.encode(data, correctable)
    assert len(coded) == coding.coded_length(len(data), correctable)
    flips, start = [], 0
    for length in coding._lengths(len(data), correctable):
        size = length + 2 * correctable
        assert size <= coding.CODEWORD
        flips += list(start + generator.permutation(size)[:correctable])
        start += size
    read, wrong, bits = coding.decode(soft(coded, generator, flips), len(data), correctable, thorough=False)
    assert (read, wrong, bits) == (data, len(flips), len(flips))


@BOUNDED
@given(st.integers(1, 3000), st.integers(1, coding.STRONGEST))
def test_the_largest_fits_and_one_more_does_not(space, correctable):
    length = coding.largest(space, correctable)
    if length >= 1:
        assert coding.coded_length(length, correctable) <= space
    assert coding.coded_length(max(length, 0) + 1, correctable) > space


@BOUNDED
@given(st.binary(min_size=8, max_size=24).filter(lambda b: len(b) % 2 == 0), st.integers(0, 2**32 - 1))
def test_the_strong_code_survives_a_bit_in_twenty(data, seed):
    generator = np.random.default_rng(seed)
    bits = coding.strong(data)
    assert len(bits) == coding.strong_length(len(data))
    scores = (2.0 * bits - 1.0) * generator.uniform(0.5, 1.0, len(bits))
    scores[generator.permutation(len(bits))[: len(bits) // 20]] *= -0.5
    assert coding.read_strong(scores, len(data)) == data


def test_more_errors_than_promised():
    generator = np.random.default_rng(0)
    coded = coding.encode(b"x" * 100, 8)
    scores = soft(coded, generator, range(12))
    with pytest.raises(coding.UnrepairableError):
        coding.decode(scores, 100, 8, thorough=False)
    # The twelve are the least sure: given up, twelve lost bytes cost what six wrong ones cost.
    assert coding.decode(scores, 100, 8)[:2] == (b"x" * 100, 12)
    with pytest.raises(coding.UnrepairableError):
        coding.decode(generator.normal(size=8 * len(coded)), 100, 8)


@pytest.mark.parametrize("rate", [0.0, 1e-3, 0.01, 0.03])
def test_strength_against_the_binomial(rate):
    from scipy.stats import binom

    found, q = coding.strength(rate, 2550), 1 - (1 - rate) ** 8
    assert 10 * binom.sf(found, 255, q) < 1e-4
    assert found >= 255 * q + 3 * np.sqrt(255 * q * (1 - q))
    if rate:
        assert 10 * binom.sf(found - 1, 255, q) >= 1e-4
        assert coding.strength(rate, 255) <= found


def test_strength_has_an_end():
    with pytest.raises(coding.UnrepairableError):
        coding.strength(0.06, 255)


def test_upper_rate_by_hand():
    # Wilson's upper end at z = 3: nothing in 991 is (9 / 991) / (1 + 9 / 991) = 9 / 1000.
    assert coding.upper_rate(0, 991) == pytest.approx(0.009)
    n, share = 10_000, 0.01
    root = 3 * np.sqrt(share * (1 - share) / n + 9 / (4 * n * n))
    assert coding.upper_rate(100, n) == pytest.approx((share + 4.5 / n + root) / (1 + 9 / n))


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "reedsolo", None)
    coding._codec.cache_clear()
    with pytest.raises(ImportError, match=r"needs reedsolo.*kgan\[stego\]"):
        coding.encode(b"x", 3)
