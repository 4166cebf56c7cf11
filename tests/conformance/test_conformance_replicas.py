"""Every family, from its row, on two replicas: eagerly for every row, in a graph for those that it may treat otherwise."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

from tests.conformance.rows import BATCH, compiled, fit
from tests.conformance.specs import SPECS
from tests.games import strategy

pytestmark = pytest.mark.only("tensorflow")


OTHERWISE = [row for row, spec in SPECS.items() if spec.replicas]


def assert_replicas_agree(model):
    for variable in [*model.variables, *model.optimizer.variables]:
        copies = [v.numpy() for v in variable.value.values]
        np.testing.assert_array_equal(copies[0], copies[1], err_msg=variable.path)


def play(model, spec):
    """A round of `fit`. Eagerly without the data set that TensorFlow would make for it, at twice the price of the round: that replicas
    get these parts from `fit` is shown in engine/test_replicas.py.
    """
    if not model.run_eagerly:
        logs = {name: values[-1] for name, values in fit(model, spec, shuffle=False).items()}
    else:
        import tensorflow as tf

        minibatches, strategy = model._play.per_round, model.distribute_strategy
        replicas = strategy.num_replicas_in_sync
        data = keras.utils.pack_x_y_sample_weight(*spec.data(minibatches * BATCH))
        model._prepare(model._play, data, minibatches)

        def part(context):
            def cut(array):
                parts = np.reshape(array, (minibatches, replicas, BATCH // replicas, *np.shape(array)[1:]))
                return tf.constant(np.concatenate(parts[:, context.replica_id_in_sync_group]))

            return keras.tree.map_structure(cut, data)

        train = model.make_train_function()
        logs = train(iter([strategy.experimental_distribute_values_from_function(part)]))
    assert np.isfinite([float(value) for value in logs.values()]).all()


# A graph joins replicas by other means than eager steps, and cuts branches and loops: gates of `when` and `every`, repeats, rules,
# projections, state that a gate keeps, unrolled steps, in the slow tier.
IN_A_GRAPH = (
    "GAN with penalties",
    "WGAN",
    "ThreeDVAEGAN",
    "UnrolledGAN",
    "ConsensusGAN",
    "GradientRegularizedGAN",
    "MMDGAN",
    "CoGAN",
    "BayesianGAN",
    "SteganographyGAN",
    "StoryGAN",
)


def cases(rows):
    own = [(row, True) for row in rows]
    graphs = [pytest.param(row, False, marks=pytest.mark.slow) for row in IN_A_GRAPH if row in rows]
    return pytest.mark.parametrize(("row", "eager"), [*own, *graphs])


@cases(OTHERWISE)
def test_two_replicas_agree_in_weights(row, eager):
    with strategy().scope():
        model = compiled(SPECS[row], run_eagerly=eager)
    play(model, SPECS[row])
    assert_replicas_agree(model)


def by_example(draw):
    """A random function whose rows belong to the examples of the whole minibatch: a replica gets those of its part."""

    def drawn(shape, *args, **kwargs):
        import tensorflow as tf

        kwargs["seed"] = 3
        if not len(shape):
            return draw(shape, *args, **kwargs)
        table = draw((64, *shape[1:]), *args, **kwargs)
        context = tf.distribute.get_replica_context()
        part = context.replica_id_in_sync_group if context is not None and context.num_replicas_in_sync > 1 else 0
        return ops.take(table, part * shape[0] + ops.arange(shape[0]), axis=0)

    return drawn


@cases([row for row in SPECS if row not in OTHERWISE])
def test_two_replicas_give_the_update_of_one(row, eager, monkeypatch):
    spec = SPECS[row]
    for kind in ("normal", "uniform", "truncated_normal", "randint"):
        monkeypatch.setattr(keras.random, kind, by_example(getattr(keras.random, kind)))
    states = []
    for scope in (contextlib.nullcontext, strategy().scope):
        with scope():
            # Not Adam, which would blow the rounding of gradients that are 0 up to full steps.
            optimizers = {move: keras.optimizers.SGD(0.01) for move in spec.schedule}
            model = compiled(spec, optimizers=optimizers, run_eagerly=eager)
        play(model, spec)
        states.append([ops.convert_to_numpy(v) for v in model.trainable_variables])
    assert_replicas_agree(model)
    for one, two, variable in zip(*states, model.trainable_variables, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-5, err_msg=variable.path)
