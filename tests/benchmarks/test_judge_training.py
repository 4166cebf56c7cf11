"""The command that trains the judges: it gives the weights that come with kgan, and writes presets that load."""

import numpy as np
import pytest

from benchmarks import judges
from kgan import metrics, presets

pytestmark = pytest.mark.only("tensorflow")


def test_the_digit_judge_that_comes_with_kgan_is_what_its_training_gives():
    network, accuracy, moments = judges.train("digits-mlp64")
    shipped = presets.load("digits-mlp64")
    # Another machine's sums end in other digits.
    for found, expected in zip(network.get_weights(), shipped.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert accuracy > judges.LEAST["digits-mlp64"]
    assert abs(moments.distance(metrics.DigitClassifier().reference())) < 1e-2


def test_training_again_gives_the_same(tmp_path, monkeypatch, capsys):
    one, same = (judges.train("mnist-cnn", 1, 300)[0].get_weights() for _ in range(2))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    monkeypatch.setattr(judges.backend, "enable_determinism", lambda: None)  # would hold for all tests that follow
    monkeypatch.setattr("sys.argv", ["judges", "mnist-cnn", "--smoke", "--output", str(tmp_path)])
    judges.main()
    np.testing.assert_array_equal(presets.load(tmp_path / "mnist-cnn").get_weights()[0], one[0])
    assert metrics.Moments.load(presets.further_file(tmp_path / "mnist-cnn", "moments.npz")).extractor == "mnist-cnn"
    assert presets.fingerprint(tmp_path / "mnist-cnn")[:16] in capsys.readouterr().out


def test_what_knows_too_little_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(judges.backend, "enable_determinism", lambda: None)
    monkeypatch.setattr(judges, "train", lambda name: (None, 0.9, None))
    monkeypatch.setattr("sys.argv", ["judges", "mnist-cnn", "--output", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"0\.900 .* need 0\.95"):
        judges.main()
    assert not list(tmp_path.iterdir())
