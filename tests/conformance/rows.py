"""What tests that follow from the table share: the rows of a backend, models of a row, and one that has played for all who ask."""

import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from tests.conformance.specs import SPECS

BATCH = 6

# Batches, precision, configurations and what a move changes meet no code of a backend that differs from family to family: all rows on
# TensorFlow, a few on JAX, where every operation of an eager step is compiled by itself, and torch. That a round is the same everywhere,
# gradients of all terms included, is shown for every row by test_across_backends.py.
FEW = ("GAN", "GAN with penalties", "SNGAN", "ImprovedGAN, semi-supervised", "UnrolledGAN", "BayesianGAN")
some_rows = pytest.mark.parametrize("row", SPECS if keras.backend.backend() == "tensorflow" else FEW)


def numpy_of(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def shapes_of(samples):
    return {name: part.shape for name, part in samples.items()} if isinstance(samples, dict) else samples.shape


def compiled(spec, **kwargs):
    keras.utils.set_random_seed(7)
    model = spec.build()
    model.compile(**kwargs)
    return model


def fit(model, spec, rounds=1, batch=BATCH, **kwargs):
    data = spec.data(rounds * model._play.per_round * batch)
    return model.fit(*data, batch_size=batch, verbose=0, **kwargs).history


def play_on(model, spec, rounds=2):
    """One or two rounds, each an epoch of its own: the `model`, `history` of its fits, and how far every player `went`.

    Of the first alone, which is all that some tests compare with: `first_history`, `first_went`.
    """
    players = {p: getattr(model, p) for move in model._play.moves.values() for p in move.players}
    size = model._play.per_round * BATCH
    data = spec.data(2 * size)  # whose first half is not `spec.data(size)`
    before = {p: numpy_of(player.trainable_variables) for p, player in players.items()}
    history, went = [], []
    for index in range(rounds):
        part = keras.tree.map_structure(lambda a, start=index * size: a[start : start + size], data)
        history.append(model.fit(*part, batch_size=BATCH, verbose=0, shuffle=False).history)
        after = {p: numpy_of(player.trainable_variables) for p, player in players.items()}
        went.append({p: np.concatenate([(b - a).ravel() for a, b in zip(before[p], after[p], strict=True)]) for p in players})
    return SimpleNamespace(
        model=model,
        history={key: [value for part in history for value in part[key]] for key in history[0]},
        went=went[-1],
        first_history=history[0],
        first_went=went[0],
    )


@functools.lru_cache(maxsize=1)  # the tests of a row run one after another
def played(row):
    """A row's eager model, for the tests that need none of their own. They may play on; the rest stays that of two rounds."""
    keras.config.set_dtype_policy("float32")
    spec = SPECS[row]
    return play_on(compiled(spec, averages={spec.averaged: 0.9}, run_eagerly=True), spec)
