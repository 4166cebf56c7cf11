"""JAX over two devices with `keras.distribution.DataParallel`: the update of one device, on the same noise."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.only("jax")

# Devices of the host can only be made before JAX starts, so each count has a process of its own.
RUN = """
import sys
import keras, numpy as np
import kgan
from kgan import backend
keras.utils.set_random_seed(0)
with backend.strategy(sys.argv[2]):
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True),
        "discriminator": kgan.networks.mlp.discriminator((2,), (8,), normalizer=kgan.layers.SpectralNormalization),
    }
    model = kgan.GAN((2,), seed=0, discriminator_steps=2, penalties=[kgan.penalties.R1(1.0)], **networks)
    model.compile(averages={"generator": 0.9})
    data = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    history = model.fit(data, batch_size=8, epochs=2, verbose=0, shuffle=False).history
    devices = len(model.generator.trainable_variables[0].value.sharding.device_set)
    samples = model.generate(5, seed=0)
    model.save(sys.argv[1] + ".keras")
state = [keras.ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]
np.savez(sys.argv[1], *state, devices=devices, samples=samples, loss=history["loss"])
"""


def run(path, kind, devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), kind], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return np.load(f"{path}.npz")


def test_two_devices_give_the_update_of_one(tmp_path):
    with run(tmp_path / "one", "none", 1) as one, run(tmp_path / "two", "mirrored", 2) as two:
        assert (one["devices"], two["devices"]) == (1, 2)
        for key in one.files:
            if key != "devices":
                np.testing.assert_allclose(one[key], two[key], rtol=0, atol=1e-5, err_msg=key)
