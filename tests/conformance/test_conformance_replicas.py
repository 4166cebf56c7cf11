"""Every family, from its row, on two replicas. A file of its own: two strategies cannot share a process (see `tests.games`)."""

import numpy as np
import pytest

from tests.conformance.test_conformance import compiled, each, fit
from tests.games import strategy


@pytest.mark.only("tensorflow")
@each
def test_two_replicas_agree_in_weights(spec):
    with strategy().scope():
        model = compiled(spec)
    history = fit(model, spec)
    assert np.isfinite([v for values in history.values() for v in values]).all()
    for variable in [*model.variables, *model.optimizer.variables]:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)
