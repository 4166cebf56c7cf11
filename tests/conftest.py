"""One process, one backend: KERAS_BACKEND chooses it. TensorFlow gets two logical CPUs, so that replicas can be tested."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import pytest

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_collection_modifyitems(items):
    """Tests marked with backends run on those alone. Workers share the conformance tests out singly, all others by file."""
    present = keras.backend.backend()
    items[:] = [i for i in items if (m := i.get_closest_marker("only")) is None or present in m.args]
    for item in items:
        if item.path.name != "test_conformance.py":
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def pytest_configure(config):
    config.addinivalue_line("markers", "only(*backends): collect the test on these backends alone")
    config.addinivalue_line("markers", "xdist_group(name): tests of one group run on one worker")


@pytest.fixture(autouse=True)
def _fresh_state():
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    os.environ["KGAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)
