"""Every family, from its row, compiled: traced once, and what test_conformance.py shows eagerly in graphs too."""

import keras
import numpy as np
import pytest

from tests.conformance.rows import BATCH, compiled, fit, play_on, played, shapes_of
from tests.conformance.specs import SPECS
from tests.conformance.test_conformance import check_file

# Of those with a gate, repeats, labels, two networks of one player: the rows that the first tier compiles.
SOONER = ("GAN with penalties", "WGAN", "ImprovedGAN, semi-supervised", "BayesianGAN")
# Rows whose file is resumed in a graph too, which is traced anew for it: those, gated state, rules, unrolled steps, phases, stories.
RESUMED = (*SOONER, "ProGAN, fading", "ThreeDVAEGAN", "UnrolledGAN", "ConsensusGAN", "SteganographyGAN", "StoryGAN")
rows = [row if row in SOONER else pytest.param(row, marks=pytest.mark.slow) for row in SPECS]


@pytest.mark.parametrize("row", rows)
def test_one_model_many_promises(row, tmp_path):
    """Shapes, finiteness, schedule, terms, no retrace, the eager way, evaluation, generation, files: one model pays for all."""
    spec = SPECS[row]
    model = compiled(spec, averages={spec.averaged: 0.9})
    calls = []
    step = model._train
    model._train = lambda data: calls.append(1) or step(data)
    two_rounds = play_on(model, spec)
    history, went = two_rounds.history, two_rounds.went
    assert np.isfinite([v for values in history.values() for v in values]).all()
    assert set(history) - model._play._observed - {"loss"} == spec.terms
    counts = {move: int(model.optimizer[move].iterations) for move in spec.schedule}
    assert counts == {move: 2 * steps for move, steps in spec.schedule.items()}
    traces = len(calls)
    assert traces
    fit(model, spec, rounds=2)
    if keras.backend.backend() != "torch":
        assert len(calls) == traces, "the round was traced again"
    samples = spec.samples(model, 3, seed=5)
    assert shapes_of(samples) == shapes_of(spec.data(3)[0] if isinstance(spec.example, dict) else np.zeros((3, *spec.example)))
    assert all(np.isfinite(part).all() for part in keras.tree.flatten(samples))
    result = model.evaluate(*spec.data(2 * BATCH), batch_size=BATCH, verbose=0, return_dict=True)
    assert spec.terms <= set(result)
    del model._train
    if row in RESUMED or keras.backend.backend() != "tensorflow":  # where every row's file is read by an eager model
        check_file(spec, model, tmp_path / "model.keras", rounds=2 if row in RESUMED else 0)
    if keras.backend.backend() == "tensorflow":  # or else a few rows have an eager model
        for player, eager in played(row).went.items():
            # Adam makes full steps of the rounding of gradients that are 0: of SteganographyGAN's residual Eve a quarter of the way.
            assert np.linalg.norm(went[player] - eager) <= 0.3 * np.linalg.norm(eager), player
