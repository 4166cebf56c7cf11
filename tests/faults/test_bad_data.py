"""Data that end early, raise, hold NaN in one place, or labels out of range: stopped by name, the last good state kept."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.callbacks import Checkpoint, checkpoints, restore
from tests.faults.test_model_files import gan


def points(count=32):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


class Minibatches(keras.utils.PyDataset):
    """Eight minibatches; from the n-th asked for on, `fault(batch)`."""

    def __init__(self, fault, after):
        super().__init__()
        self.fault, self.after, self.asked = fault, after, 0

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.asked += 1
        batch = points(8)
        return batch if self.asked <= self.after else self.fault(batch)


def lost(batch):
    raise OSError("the share was unmounted")


def test_data_that_raise_end_the_run_with_their_own_error(tmp_path):
    model = gan()
    model.compile(run_eagerly=True)
    with pytest.raises(OSError, match="the share was unmounted"):
        model.fit(Minibatches(lost, 12), epochs=3, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert [p.name for p in checkpoints(tmp_path)] == ["epoch-00001.keras"]
    twin = gan()
    twin.compile()
    assert restore(twin, tmp_path) == 1


@pytest.mark.only("tensorflow")
def test_a_generator_that_raises_is_quoted(tmp_path):
    import tensorflow as tf

    def minibatches():
        yield points(8)
        yield points(8)
        raise RuntimeError("row 17 of shard 3 is damaged")

    dataset = tf.data.Dataset.from_generator(minibatches, output_signature=tf.TensorSpec((8, 2), "float32"))
    model = gan()
    model.compile(run_eagerly=True)
    with pytest.raises(Exception, match="row 17 of shard 3 is damaged"):
        model.fit(dataset, epochs=1, verbose=0)


@pytest.mark.only("tensorflow")
def test_data_that_end_early_are_told():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(lambda: iter([points(8)] * 3), output_signature=tf.TensorSpec((8, 2), "float32"))
    model = gan()
    model.compile(run_eagerly=True)
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(dataset, epochs=2, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_nan_in_one_late_minibatch_is_named_and_the_last_epoch_kept(tmp_path):
    def poisoned(batch):
        batch[3, 1] = np.nan
        return batch

    model = gan()
    model.compile(run_eagerly=True)
    with pytest.raises(kgan.DivergenceError, match="the data"):
        model.fit(Minibatches(poisoned, 12), epochs=3, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert [p.name for p in checkpoints(tmp_path)] == ["epoch-00001.keras"]


class Poisoned(kgan.GAN):
    """One of the generator's two terms is no number from the second round on."""

    def generator_loss(self, real):
        terms = super().generator_loss(real)
        late = ops.cast(self.optimizer.iterations, "float32") >= 1.0
        return {**terms, "extra": ops.where(late, float("nan"), 0.0) * ops.mean(next(iter(terms.values())))}


def test_nan_in_one_term_is_named():
    model = Poisoned((2,), latent_size=3, seed=0)
    model.compile(run_eagerly=True)
    with pytest.raises(kgan.DivergenceError) as found:
        model.fit(points(), batch_size=8, verbose=0, shuffle=False)
    assert found.value.terms[0] == "generator/extra"
    assert "discriminator/adversarial" not in found.value.terms


@pytest.mark.parametrize("late", [-1, 4, 99])
def test_labels_out_of_range_are_refused_wherever_they_stand(late):
    model = kgan.ImprovedGAN((2,), classes=4, latent_size=3, seed=0)
    model.compile(run_eagerly=True)
    labels = np.zeros(32, "int64")
    labels[30] = late
    before = [ops.convert_to_numpy(w) for w in model.weights]
    with pytest.raises(ValueError, match=r"integers.* in \[0, 4\)"):
        model.fit({"unlabeled": points(), "labeled": points()}, labels, batch_size=8, verbose=0)
    for a, b in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(a, ops.convert_to_numpy(b))
