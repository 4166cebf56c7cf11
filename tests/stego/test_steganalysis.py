"""Detectors on images with known payloads, embedders, and the judge of detectors."""

import sys

import numpy as np
import pytest

import kgan
from kgan.stego import baselines

ESTIMATORS = (kgan.stego.rs_analysis, kgan.stego.sample_pairs, kgan.stego.weighted_stego)


def photo(seed, size=256):
    """A smooth surface with grain, as sensors make it; several levels of brightness."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(size=(3, 3)) * 40 + 128
    y = np.linspace(0, 2, size)
    low = np.minimum(y.astype(int), 1)
    part = y - low
    rows = coarse[low] * (1 - part)[:, None] + coarse[low + 1] * part[:, None]
    surface = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    grain = generator.normal(size=(size + 2, size + 2))
    grain = sum(grain[i : i + size, j : j + size] for i in range(3) for j in range(3)) / 3
    return np.clip(surface + 3 * grain, 20, 235).round().astype("uint8")


@pytest.mark.parametrize("estimate", ESTIMATORS)
@pytest.mark.parametrize("payload", [0.0, 0.1, 0.4, 0.8])
def test_estimators_find_the_payload(estimate, payload):
    found = [estimate(baselines.lsb_replacement(photo(seed), payload, seed)) for seed in range(4)]
    assert np.mean(found) == pytest.approx(payload, abs=0.05)
    np.testing.assert_allclose(found, payload, atol=0.1)


@pytest.mark.parametrize("estimate", ESTIMATORS)
def test_estimators_do_not_see_matching(estimate):
    """They are made for replacement; what they say of matching is about what they say of a cover."""
    for seed in range(3):
        assert abs(estimate(baselines.lsb_matching(photo(seed), 0.8, seed)) - estimate(photo(seed))) < 0.1


@pytest.mark.parametrize("estimate", [*ESTIMATORS, kgan.stego.chi_square])
def test_channels_count_together_and_constants_say_nothing(estimate):
    gray = photo(0)
    assert estimate(np.stack([gray] * 3, axis=-1)) == pytest.approx(estimate(gray), abs=0.02)
    assert estimate(np.full((16, 16), 100, "uint8")) == 0


def test_real_photos():
    from skimage import data

    for name in ("camera", "coins", "brick"):
        cover = getattr(data, name)()
        stego = baselines.lsb_replacement(cover, 0.2, seed=1)
        for estimate in ESTIMATORS:
            assert abs(estimate(cover)) < 0.04
            assert estimate(stego) == pytest.approx(0.2, abs=0.05)
        assert kgan.stego.chi_square(baselines.lsb_replacement(cover, 1.0)) > 0.95


def test_sample_pairs_by_hand():
    # Pairs (4, 5), (5, 7), (7, 6), (6, 6): v odd and u < v twice: y; v even and u > v once: y; equal: none. Same pair of values: three.
    # 2 * 3 r^2 + 2 (0 - 4) r + 3 = 0 has the roots (8 -+ i sqrt 8) / 12; the vertex, 2/3, twice.
    assert kgan.stego.sample_pairs(np.asarray([[4, 5, 7, 6, 6]], "uint8")) == pytest.approx(4 / 3)


def test_chi_square_by_hand():
    image = np.repeat([10, 11, 20, 21, 30, 31, 40], [30, 10, 25, 25, 12, 8, 3]).astype("uint8").reshape(1, -1)
    statistic = 10**2 / 20 + 0 + 2**2 / 10  # the pair of 40 is too rare
    assert kgan.stego.chi_square(image) == pytest.approx(np.exp(-statistic / 2))  # two degrees of freedom


def test_chi_square_sees_where_a_sequential_message_ends():
    stego = photo(0)
    generator = np.random.default_rng(0)
    stego[:64] = (stego[:64] & 0xFE) | generator.integers(0, 2, (64, 256), dtype="uint8")
    assert kgan.stego.chi_square(photo(0), share=0.25) < 0.01
    assert kgan.stego.chi_square(stego, share=0.25) > 0.05
    assert kgan.stego.chi_square(stego) < 0.01


def test_embedders_change_what_they_say():
    cover = photo(1)
    replaced, matched = baselines.lsb_replacement(cover, 0.5, 3), baselines.lsb_matching(cover, 0.5, 3)
    for stego in (replaced, matched):
        assert stego.dtype == "uint8"
        assert (stego != cover).mean() == pytest.approx(0.25, abs=0.01)
        assert np.abs(stego.astype(int) - cover).max() == 1
    assert ((replaced ^ cover) <= 1).all()
    assert ((matched ^ cover) > 1).mean() > 0.05
    np.testing.assert_array_equal(replaced, baselines.lsb_replacement(cover, 0.5, 3))
    assert (replaced != baselines.lsb_replacement(cover, 0.5, 4)).any()
    np.testing.assert_array_equal(cover, baselines.lsb_matching(cover, 0.0))
    ends = np.asarray([[0, 255] * 50] * 10, "uint8")
    assert set(np.unique(baselines.lsb_matching(ends, 1.0))) == {0, 1, 254, 255}


@pytest.mark.parametrize("method", baselines.ADAPTIVE)
def test_adaptive_embedding_goes_where_it_is_rough(method):
    generator = np.random.default_rng(0)
    cover = np.full((64, 64), 128.0) + np.linspace(0, 8, 64)
    cover[:, 32:] += generator.normal(scale=12, size=(64, 32))
    cover = cover.round().astype("uint8")
    stego = baselines.adaptive(cover, 0.2, method, seed=5)
    changed = stego != cover
    assert np.abs(stego.astype(int) - cover).max() == 1
    # LSB embedding of 0.2 bits per pixel would change 0.1 of them.
    assert 0.02 < changed.mean() < 0.1
    assert changed[:, 34:].mean() > 3 * changed[:, :30].mean()
    np.testing.assert_array_equal(stego, baselines.adaptive(cover, 0.2, method, seed=5))
    color = baselines.adaptive(np.stack([cover] * 3, axis=-1), 0.2, method)
    assert (color[..., 0] != color[..., 1]).any()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "conseal", None)
    with pytest.raises(ImportError, match=r"conseal.*kgan\[steganalysis\]"):
        baselines.adaptive(photo(0), 0.1)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match=r"scipy.*kgan\[steganalysis\]"):
        kgan.stego.chi_square(photo(0))


def test_wilson_by_hand():
    low, high = kgan.stego.wilson_interval(5, 10)
    # 1/2 +- 1.96 / sqrt(10 + 1.96^2) / 2
    assert (low, high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert kgan.stego.wilson_interval(0, 1000)[0] == 0
    assert kgan.stego.wilson_interval(0, 1000)[1] == pytest.approx(0.00383, abs=1e-5)


def test_wilson_covers(rng):
    for share in (0.5, 0.95):
        counts = rng.binomial(200, share, 2000)
        ends = np.asarray([kgan.stego.wilson_interval(c, 200) for c in counts])
        assert np.mean((ends[:, 0] <= share) & (share <= ends[:, 1])) == pytest.approx(0.95, abs=0.02)


def test_detection_by_hand(rng):
    cover = rng.normal(size=400)
    for sign in (1, -1):
        found = kgan.stego.detection(sign * cover, sign * (cover + 10))
        assert (found.accuracy, found.area, found.tested) == (1.0, 1.0, 400)
        assert found.higher_is_stego == (sign == 1)
    # d' = 1 between normals of variance 1: best accuracy Phi(1/2) = 0.691, area Phi(1 / sqrt 2) = 0.760.
    found = kgan.stego.detection(rng.normal(size=20_000), rng.normal(size=20_000) + 1)
    assert found.accuracy == pytest.approx(0.6915, abs=0.01)
    assert found.area == pytest.approx(0.7602, abs=0.01)
    assert found.threshold == pytest.approx(0.5, abs=0.15)
    assert found.low < 0.6915 < found.high
    ties = kgan.stego.detection(np.zeros(40), np.zeros(40))
    assert (ties.accuracy, ties.area) == (0.5, 0.5)


def test_the_threshold_is_not_fitted_to_what_is_judged(rng):
    """On noise, the best threshold of eight images does well on these and no better than chance on others."""
    found = [kgan.stego.detection(rng.normal(size=8), rng.normal(size=8), seed=s).accuracy for s in range(300)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kgan.stego.rs_analysis(np.zeros((8, 8))), "uint8"),
        (lambda: kgan.stego.rs_analysis(np.zeros((8, 3), "uint8")), "4 pixels wide"),
        (lambda: kgan.stego.sample_pairs(np.zeros((8, 1), "uint8")), "2 pixels wide"),
        (lambda: kgan.stego.weighted_stego(np.zeros((2, 8), "uint8")), "3x3"),
        (lambda: kgan.stego.chi_square(np.zeros((8, 8), "uint8"), share=0.0), "share"),
        (lambda: kgan.stego.chi_square(np.zeros((8, 8, 1, 1), "uint8")), "height, width"),
        (lambda: kgan.stego.detection([1, 2, 3], [1, 2, 3]), "at least 4"),
        (lambda: kgan.stego.detection(np.zeros(5), np.zeros(4)), "pairs"),
        (lambda: kgan.stego.detection(np.zeros(4), np.full(4, np.nan)), "finite"),
        (lambda: kgan.stego.wilson_interval(3, 2), "0..trials"),
        (lambda: baselines.lsb_replacement(np.zeros((4, 4)), 0.1), "uint8"),
        (lambda: baselines.lsb_matching(np.zeros((4, 4), "uint8"), 1.1), "payload"),
        (lambda: baselines.adaptive(np.zeros((4, 4), "uint8"), 0.1, "hugo"), "method"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
