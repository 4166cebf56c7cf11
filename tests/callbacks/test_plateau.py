"""Learning rates that fall on a plateau, and the way back to the best weights."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan

POINTS = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def model(rate=0.1):
    keras.utils.set_random_seed(0)
    gan = kgan.GAN(data_shape=(2,), latent_size=2, seed=0)
    gan.compile({move: keras.optimizers.SGD(rate) for move in ("discriminator", "generator")})
    return gan


class Figures:
    """Figures given beforehand; the weights at every evaluation are noted."""

    def __init__(self, *values):
        self.values, self.weights = list(values), []

    def __call__(self, gan):
        self.weights.append([ops.convert_to_numpy(v).copy() for v in gan.weights])
        return self.values[len(self.weights) - 1]


def rates(gan):
    return [round(float(gan.optimizer[move].learning_rate), 6) for move in ("discriminator", "generator")]


def test_after_a_plateau_all_rates_fall_and_the_best_weights_return():
    gan, figures = model(), Figures(1.0, 3.0, 2.0, 3.0, 2.5)
    watch = kgan.callbacks.BestOnPlateau(figures, "score", patience=2)
    history = gan.fit(POINTS, batch_size=64, epochs=4, verbose=0, callbacks=[watch]).history
    assert history["score"] == [1.0, 3.0, 2.0, 3.0]
    assert rates(gan) == [0.05, 0.05]
    assert watch.best == 3.0
    assert watch.reductions == 1
    for variable, best, last in zip(gan.weights, figures.weights[1], figures.weights[3], strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), best)
        assert not np.array_equal(best, last)


def test_the_best_weights_can_be_put_back_at_the_end():
    gan, figures = model(), Figures(1.0, 3.0, 2.0)
    watch = kgan.callbacks.BestOnPlateau(figures, patience=5)
    gan.fit(POINTS, batch_size=64, epochs=3, verbose=0, callbacks=[watch])
    watch.restore()
    for variable, best in zip(gan.weights, figures.weights[1], strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), best)


def test_every_second_epoch():
    gan, figures = model(), Figures(1.0, 0.0, 0.0)
    gan.fit(POINTS, batch_size=64, epochs=5, verbose=0, callbacks=[kgan.callbacks.BestOnPlateau(figures, patience=1, every=2)])
    assert len(figures.weights) == 2
    assert rates(gan) == [0.05, 0.05]


def test_a_resumed_run_remembers(tmp_path):
    gan, figures = model(), Figures(1.0, 0.5, 0.5)
    watch = kgan.callbacks.BestOnPlateau(figures, patience=2, folder=tmp_path)
    gan.fit(POINTS, batch_size=64, epochs=2, verbose=0, callbacks=[watch])
    again = kgan.callbacks.BestOnPlateau(lambda gan: 0.9, patience=2, folder=tmp_path)
    gan.fit(POINTS, batch_size=64, epochs=3, initial_epoch=2, verbose=0, callbacks=[again])
    assert again.reductions == 1
    assert rates(gan) == [0.05, 0.05]
    for variable, best in zip(gan.weights, figures.weights[0], strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), best)


def test_what_is_refused():
    for arguments, message in (({"patience": 0}, "patience"), ({"factor": 1.0}, "factor"), ({"every": 0}, "every")):
        with pytest.raises(ValueError, match=message):
            kgan.callbacks.BestOnPlateau(Figures(), **arguments)
    with pytest.raises(ValueError, match="not finite"):
        model().fit(POINTS, verbose=0, callbacks=[kgan.callbacks.BestOnPlateau(Figures(float("nan")))])
    gan = model(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(ValueError, match="is a schedule"):
        gan.fit(POINTS, verbose=0, callbacks=[kgan.callbacks.BestOnPlateau(Figures(1.0))])
