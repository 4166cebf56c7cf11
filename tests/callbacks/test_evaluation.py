"""Figures while a model trains: in the logs, the best model kept, an earlier best known."""

import keras
import numpy as np
import pytest

import kgan
from kgan.callbacks import Evaluation

pytestmark = pytest.mark.only("tensorflow")


@pytest.fixture
def model():
    model = kgan.GAN((2,), latent_size=2, seed=0)
    model.compile(run_eagerly=True)
    return model


def fit(model, watch, epochs):
    return model.fit(np.zeros((8, 2), "float32"), batch_size=8, epochs=epochs, verbose=0, callbacks=[watch]).history


def test_the_best_model_is_kept(model, tmp_path):
    distances = iter([5.0, 3.0, 4.0])
    seen = []

    def measure(model):
        seen.append(model.get_weights()[0].copy())
        return {"frechet_distance[some,n=2]": next(distances), "recall": 0.5}

    watch = Evaluation(measure, 2, tmp_path / "best.keras")
    history = fit(model, watch, 7)
    assert history["frechet_distance[some,n=2]"] == [5.0, 3.0, 4.0]
    assert (watch.best, watch.best_epoch) == (3.0, 4)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "best.keras").get_weights()[0], seen[1])


def test_a_resumed_run_knows_the_best(model, tmp_path):
    rows = [{"epoch": "0", "FID[x]": "2.5"}, {"epoch": "1", "FID[x]": "NA"}, {"epoch": "2", "FID[x]": "4.0"}]
    watch = Evaluation(lambda model: {"FID[x]": 3.0}, 1, tmp_path / "best.keras", rows)
    fit(model, watch, 1)
    assert (watch.best, watch.best_epoch) == (2.5, 1)
    assert not list(tmp_path.iterdir())


def test_what_has_no_distance_cannot_be_kept(model, tmp_path):
    with pytest.raises(ValueError, match=r"smallest Frechet distance, and the figures are \['modes'\]"):
        fit(model, Evaluation(lambda model: {"modes": 3.0}, 1, tmp_path / "best.keras"), 1)
    assert fit(model, Evaluation(lambda model: {"modes": 3.0}), 1)["modes"] == [3.0]
