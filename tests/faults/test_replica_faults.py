"""NaN in one replica of two stops the run for both, with the term named and the copies of the weights equal."""

import numpy as np
import pytest

import kgan
from kgan.callbacks import Checkpoint, checkpoints
from tests.faults.test_model_files import gan
from tests.games import strategy

pytestmark = pytest.mark.only("tensorflow")


def test_nan_in_the_data_of_one_replica(tmp_path):
    with strategy().scope():
        model = gan()
        model.compile()
    data = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
    model.fit(data, batch_size=8, epochs=1, verbose=0, shuffle=False, callbacks=[Checkpoint(tmp_path)])
    data[23] = np.nan  # in the second half of the third minibatch
    with pytest.raises(kgan.DivergenceError, match="epoch 1, round"):
        model.fit(data, batch_size=8, epochs=2, initial_epoch=1, verbose=0, shuffle=False, callbacks=[Checkpoint(tmp_path)])
    assert [p.name for p in checkpoints(tmp_path)] == ["epoch-00001.keras"]
    for variable in model.trainable_variables:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)
