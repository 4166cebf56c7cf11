"""Names that Keras keeps to itself: the installed Keras has those that kgan needs, one file knows them, and a missing one is explained."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan
from kgan import backend
from kgan.networks import mlp

HOME = Path(kgan.__file__).parent
PUBLIC = {"_replace", "_asdict", "_fields"}  # of named tuples


def test_all_layers_are_found_however_deep():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="inside")], name="inner")
    wrapped = keras.layers.TimeDistributed(keras.layers.Dense(2, name="wrapped"))
    model = keras.Sequential([inner, keras.layers.Reshape((1, 2)), wrapped], name="outer")
    model.build((None, 3))
    names = [layer.name for layer in backend.all_layers(model)]
    assert {"outer", "inner", "inside", "wrapped"} <= set(names)
    assert len(names) == len(set(names))


def test_the_epoch_that_a_callback_restores_is_taken_once(tmp_path):
    model = kgan.GAN((2,), latent_size=2, seed=0)
    model.compile()
    assert backend.take_initial_epoch(model) is None
    model._initial_epoch = 3  # as `BackupAndRestore` does
    assert (backend.take_initial_epoch(model), backend.take_initial_epoch(model)) == (3, None)

    # Keras' own callback still speaks this way: a run that was interrupted in its second epoch goes on there.
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    points = np.zeros((8, 2), "float32")
    restore = keras.callbacks.BackupAndRestore(tmp_path / "state")
    with pytest.raises(KeyboardInterrupt):
        model.fit(points, batch_size=4, epochs=2, verbose=0, callbacks=[restore, Stop()])

    class Seen(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.epoch = backend.take_initial_epoch(self.model)

    seen = Seen()
    model.fit(points, batch_size=4, epochs=1, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "state"), seen])
    assert seen.epoch == 1


def test_a_schedule_and_the_place_of_a_variable():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert backend.rate_or_schedule(keras.optimizers.SGD(schedule)) is schedule
    optimizer = keras.optimizers.SGD(0.5)
    assert float(keras.ops.convert_to_numpy(backend.rate_or_schedule(optimizer))) == 0.5
    weights = mlp.generator((2,), 3, (4,)).trainable_variables
    optimizer.build(weights)
    assert [backend.index_of(optimizer, v) for v in weights] == list(range(len(weights)))


def test_a_scope_learns_which_layer_adds_a_loss():
    regularized = keras.layers.ActivityRegularization(l1=1.0)
    with backend.Overlay(moving=frozenset()) as overlay:
        regularized(keras.ops.ones((2, 3)))
    assert [layer for layer, _ in overlay.added_losses] == [regularized]


def test_a_loss_that_no_layer_adds_is_refused():
    with (
        backend.Overlay(moving=frozenset()) as overlay,
        pytest.raises(RuntimeError, match=r"whose they are.*Install Keras 3\.15"),
    ):
        overlay.add_loss(keras.ops.zeros(()))


def test_a_missing_name_is_explained():
    with pytest.raises(RuntimeError, match=r"has no `_flatten_layers` on object.*Install Keras 3\.15"):
        backend.all_layers(object())


def test_no_other_file_reaches_into_keras():
    """Whatever begins with an underscore and is read or written is defined in kgan itself."""
    used, own = {}, set(PUBLIC)
    for path in HOME.rglob("*.py"):
        if path.name == "keras_names.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                (own.add if isinstance(node.ctx, ast.Store) else lambda n, p=path: used.setdefault(n, p))(node.attr)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
    found = {name: str(path) for name, path in used.items() if name.startswith("_") and not name.startswith("__")}
    assert not {name: path for name, path in found.items() if name not in own}
    # Nor is one set that Keras' trainers or optimizers have under the same name.
    theirs = {name for cls in (keras.Model, keras.optimizers.Optimizer, keras.layers.Layer) for name in dir(cls)}
    assert not {n for n in own & theirs if n.startswith("_") and not n.startswith("__")}
