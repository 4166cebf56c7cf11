"""Files: a saved run goes on exactly, a saved model generates the same, and what is wrong is named."""

import functools
import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from tests.games import Bilinear, ones


def tiny(seed=0, **kwargs):
    keras.utils.set_random_seed(3)
    dropout = kgan.networks.mlp.discriminator((2,), (8,), dropout=0.3)
    return kgan.GAN(
        (2,), generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True), discriminator=dropout, seed=seed, **kwargs
    )


def points(count=96):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


def state(model):
    """Pairs of path and value; paths may repeat (two optimizers of one class)."""
    return [(v.path, ops.convert_to_numpy(v).copy()) for v in [*model.variables, *model.optimizer.variables]]


def assert_equal_states(a, b):
    assert len(a) == len(b)
    for (path, x), (_, y) in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=path)


ADAM = {"averages": {"generator": 0.9}}


@functools.lru_cache(maxsize=1)
def uninterrupted():
    """What the runs below are compared with, trained once."""
    return run_of_four_epochs()


def run_of_four_epochs():
    model = tiny()
    model.compile(**ADAM)
    model.fit(points(), batch_size=16, epochs=4, verbose=0)
    return state(model)


def test_two_equal_runs_are_equal_bit_for_bit():
    assert_equal_states(uninterrupted(), run_of_four_epochs())


def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    """In a new process, from the file alone."""
    path = tmp_path / "run.keras"
    model = tiny()
    model.compile(**ADAM)
    model.fit(points(), batch_size=16, epochs=2, verbose=0)
    model.save(path)
    out = tmp_path / "out.npz"
    code = f"""
import numpy as np, keras, kgan
model = keras.saving.load_model({str(path)!r})
model.fit(np.load({str(tmp_path / "x.npy")!r}), batch_size=16, epochs=4, initial_epoch=2, verbose=0)
variables = [*model.variables, *model.optimizer.variables]
np.savez({str(out)!r}, *[keras.ops.convert_to_numpy(v) for v in variables])
"""
    np.save(tmp_path / "x.npy", points())
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    with np.load(out) as resumed:
        assert_equal_states(uninterrupted(), [(k, resumed[k]) for k in resumed.files])


def test_without_the_random_states_a_resumed_run_differs(tmp_path, monkeypatch):
    """The negative twin: the equality above rests on what kgan adds to the file."""
    path = tmp_path / "run.keras"
    model = tiny()
    model.compile(**ADAM)
    model.fit(points(), batch_size=16, epochs=2, verbose=0)
    monkeypatch.setattr("kgan.engine.saving.seed_states", lambda model: [])
    model.save(path)
    resumed = keras.saving.load_model(path)
    resumed.fit(points(), batch_size=16, epochs=4, initial_epoch=2, verbose=0)
    difference = max(np.abs(a - b).max() for (_, a), (_, b) in zip(uninterrupted(), state(resumed), strict=True))
    assert difference > 1e-4


def test_backup_and_restore_resumes_exactly(tmp_path):
    first = tiny()
    first.compile(**ADAM)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise InterruptedError

    backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    with pytest.raises(InterruptedError):
        first.fit(points(), batch_size=16, epochs=4, verbose=0, callbacks=[backup, Stop()])
    second = tiny()
    second.compile(**ADAM)
    backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    second.fit(points(), batch_size=16, epochs=4, verbose=0, callbacks=[backup])
    assert_equal_states(uninterrupted(), state(second))


def test_watching_does_not_change_the_run():
    """Generation, evaluation and validation between epochs draw from streams of their own."""
    model = tiny()
    model.compile(**ADAM)
    for epoch in range(4):
        model.fit(points(), batch_size=16, epochs=epoch + 1, initial_epoch=epoch, verbose=0, validation_data=points(32))
        model.generate(7)
        model.evaluate(points(32), verbose=0)
    for (path, a), (_, b) in zip(state(model), uninterrupted(), strict=True):
        if "evaluation_noise" not in path and "generation_noise" not in path:
            np.testing.assert_array_equal(a, b, err_msg=path)


def test_evaluate_and_predict_leave_every_weight_alone():
    model = kgan.SNGAN((8, 8, 1), width=0.05, seed=0)
    model.compile()
    before = [ops.convert_to_numpy(v).copy() for v in model.weights]
    images = np.zeros((16, 8, 8, 1), "float32")
    first = model.evaluate(images, batch_size=8, verbose=0, return_dict=True)
    model.generate(3)
    for variable, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old, err_msg=variable.path)
    assert model.evaluate(images, batch_size=8, verbose=0, return_dict=True) == first


def test_a_saved_model_generates_the_same_in_a_new_process(tmp_path):
    path = tmp_path / "model.keras"
    model = kgan.SNGAN((8, 8, 1), width=0.05, seed=0)
    model.compile(averages={"generator": 0.9})
    model.fit(np.zeros((32, 8, 8, 1), "float32"), batch_size=16, verbose=0)
    model.save(path)
    code = f"""
import kgan, keras, numpy as np
model = keras.saving.load_model({str(path)!r})
np.save({str(tmp_path / "g.npy")!r}, model.generate(5, seed=7))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    # Bit for bit, but for torch, whose convolutions depend on how memory happens to be aligned.
    tolerance = 1e-6 if keras.backend.backend() == "torch" else 0.0
    np.testing.assert_allclose(np.load(tmp_path / "g.npy"), model.generate(5, seed=7), rtol=0, atol=tolerance)


def test_loading_without_compiling_keeps_the_averages(tmp_path):
    path = tmp_path / "model.keras"
    model = tiny()
    model.compile(averages={"generator": 0.5})
    model.fit(points(), batch_size=16, verbose=0)
    model.save(path)
    loaded = keras.saving.load_model(path, compile=False)
    np.testing.assert_array_equal(loaded.generate(4, seed=1), model.generate(4, seed=1))
    raw = ops.convert_to_numpy(ops.stop_gradient(model.generator(model.generator_inputs(4, seed=1))))
    assert np.abs(raw - model.generate(4, seed=1)).max() > 1e-5


def test_averages_follow_the_recursion_by_hand():
    model = Bilinear()
    model.compile(averages={"generator": 0.5})
    model.fit(ones(8), batch_size=4, shuffle=False, verbose=0)
    # theta: 1, 1.09, then psi = 0.9 - 0.109 = 0.791, theta = 1.1691.
    expected = 0.5 * (0.5 * 1.0 + 0.5 * 1.09) + 0.5 * 1.1691
    ((_, average), *_rest) = model._averages.values()
    assert float(ops.convert_to_numpy(average)[0]) == pytest.approx(expected, abs=1e-6)


def test_averages_refuse_what_is_not_a_network():
    with pytest.raises(ValueError, match="not a network"):
        tiny().compile(averages={"critic": 0.9})
    with pytest.raises(ValueError, match="between 0 and 1"):
        tiny().compile(averages={"generator": 1.0})


def test_the_config_is_json_and_rebuilds_the_model():
    model = tiny(penalties=[kgan.penalties.GradientPenalty(5.0)], objective="wasserstein", prior=kgan.priors.Uniform(-2.0, 2.0))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.seed == model.seed
    assert twin.objective is kgan.objectives.wasserstein
    assert twin.penalties[0].weight == 5.0
    assert (twin.prior.low, twin.latent_size, twin.data_shape) == (-2.0, 3, (2,))
    twin.compile()
    twin.fit(points(), batch_size=16, verbose=0)


def test_compile_settings_survive_the_file(tmp_path):
    model = tiny()
    model.compile(optimizers={"generator": keras.optimizers.SGD(0.25)}, metrics=[kgan.metrics.ModesCovered(kgan.datasets.ring())])
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert float(loaded.optimizer["generator"].learning_rate) == 0.25
    assert "modes" in loaded.evaluate(points(), batch_size=32, verbose=0, return_dict=True)


def test_optimizer_variables_that_do_not_fit_are_an_error_not_a_warning(tmp_path):
    model = tiny()
    model.compile()
    model.save_weights(tmp_path / "w.weights.h5")
    other = tiny()
    other.compile(optimizers={"generator": keras.optimizers.SGD(0.1)})
    with pytest.raises(ValueError, match="optimizer"):
        other.load_weights(tmp_path / "w.weights.h5")


def test_truncated_files_are_refused(tmp_path):
    model = tiny()
    model.compile()
    path = tmp_path / "m.keras"
    model.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises((OSError, ValueError, zipfile.BadZipFile)):
        keras.saving.load_model(path)
