"""Two worker processes train one model: Keras' own fit fails on scalar logs there, the engine's logs reduce."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest

from kgan import runs
from kgan.callbacks import checkpoints

pytestmark = pytest.mark.only("tensorflow")

WORKER = """
import sys
import keras, numpy as np, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import kgan
keras.utils.set_random_seed(0)


def starting(units, activation=None):
    # The first minibatches of the workers differ, what they start must not.
    return kgan.layers.WeightNormalization(keras.layers.Dense(units, activation), data_init=True)


with strategy.scope():
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (8,)),
        "discriminator": keras.Sequential([keras.Input((2,)), starting(8, "relu"), starting(1)], name="discriminator"),
    }
    model = kgan.GAN((2,), seed=0, **networks)
    model.compile()
# Data of each worker's own, as where folders are shared out.
data = np.random.default_rng(strategy.cluster_resolver.task_id).normal(size=(64, 2)).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices(data).batch(16, drop_remainder=True)
options = tf.data.Options()
options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
history = model.fit(dataset.with_options(options), epochs=2, verbose=0).history
assert all(np.isfinite(v) for values in history.values() for v in values), history
assert not any(layer.waits() for layer in model.discriminator.layers)
np.savez(sys.argv[1], *[keras.ops.convert_to_numpy(v) for v in model.weights], *history["discriminator/adversarial"])
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_two_workers_end_with_equal_weights_and_logs(tmp_path):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    workers = []
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(task), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path / f"{index}.npz")]
        workers.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    try:
        for worker in workers:
            _, errors = worker.communicate(timeout=180)
            assert worker.returncode == 0, errors[-3000:]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    with np.load(tmp_path / "0.npz") as a, np.load(tmp_path / "1.npz") as b:
        for key in a.files:
            np.testing.assert_array_equal(a[key], b[key])


def start_workers(folder, *options):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    command = [sys.executable, "-m", "kgan.cli", "train", "gan", "--dataset", "ring", "--batch-size", "5000", "--epochs", "5"]
    command += ["--checkpoint-every", "1", "--strategy", "multi-worker", "--output", str(folder), *options]
    started = []
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(task), "TF_CPP_MIN_LOG_LEVEL": "3"}
        started.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
        )
    return started


def finish(workers):
    for worker in workers:
        _, errors = worker.communicate(timeout=240)
        assert worker.returncode == 0, errors[-3000:]


def weights(folder):
    return [keras.ops.convert_to_numpy(v) for v in runs.load(folder).weights]


@pytest.mark.slow
def test_a_worker_that_is_killed_and_a_cluster_that_is_restarted_change_nothing(tmp_path):
    alone, broken = tmp_path / "alone", tmp_path / "broken"
    finish(start_workers(alone))
    workers = start_workers(broken)
    try:
        began = time.time()
        while not checkpoints(broken / "checkpoints") and time.time() - began < 120:
            time.sleep(0.02)
        workers[1].kill()
        try:  # the other one cannot go on alone; whoever runs the cluster starts both again
            workers[0].communicate(timeout=60)
        except subprocess.TimeoutExpired:
            workers[0].kill()
        assert workers[0].wait() != 0
        assert not (broken / "model.keras").exists()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert len(checkpoints(broken / "checkpoints")) < 5
    finish(start_workers(broken, "--resume"))
    for a, b in zip(weights(alone), weights(broken), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
