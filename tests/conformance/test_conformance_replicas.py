"""Every family, from its row, on two replicas. A file of its own: two strategies cannot share a process (see `tests.games`)."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.conformance.test_conformance import compiled, each, fit
from tests.games import strategy

pytestmark = pytest.mark.only("tensorflow")


@each
def test_two_replicas_agree_in_weights(spec):
    with strategy().scope():
        model = compiled(spec)
    history = fit(model, spec)
    assert np.isfinite([v for values in history.values() for v in values]).all()
    for variable in [*model.variables, *model.optimizer.variables]:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)


def by_example(draw):
    """A random function whose rows belong to the examples of the whole minibatch: a replica gets those of its part."""

    def drawn(shape, *args, **kwargs):
        import tensorflow as tf

        table = draw((64, *shape[1:]), *args, **{**kwargs, "seed": 3})
        context = tf.distribute.get_replica_context()
        part = context.replica_id_in_sync_group if context is not None and context.num_replicas_in_sync > 1 else 0
        return (
            ops.take(table, part * shape[0] + ops.arange(shape[0]), axis=0)
            if len(shape)
            else draw(shape, *args, **{**kwargs, "seed": 3})
        )

    return drawn


@each
def test_two_replicas_give_the_update_of_one(spec, monkeypatch):
    for name in ("normal", "uniform", "truncated_normal", "randint"):
        monkeypatch.setattr(keras.random, name, by_example(getattr(keras.random, name)))
    states = []
    for replicas in (1, 2):
        keras.utils.set_random_seed(7)
        if replicas == 2:
            with strategy().scope():
                model = compiled(spec, **plain(spec))
        else:
            model = compiled(spec, **plain(spec))
        fit(model, spec, shuffle=False)
        states.append([ops.convert_to_numpy(v) for v in model.trainable_variables])
    for one, two, variable in zip(*states, model.trainable_variables, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5, err_msg=variable.path)


def plain(spec):
    # Adam would blow the rounding of gradients that are 0 up to full steps.
    return {"optimizers": {move: keras.optimizers.SGD(0.01) for move in spec.schedule}}
