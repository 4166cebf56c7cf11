"""One process, one backend: KERAS_BACKEND chooses it. TensorFlow gets two logical CPUs, so that replicas can be tested."""

import ctypes
import gc
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `import kgan` has it, which comes after Keras here
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # JAX compiles every operation for every shape, in half the time

import keras
import numpy as np
import pytest

from tests.costs import Costs, resident_mebibytes
from tests.groups import Groups, group_of, turn_of

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
elif keras.backend.backend() == "jax":
    import jax


def pytest_collection_modifyitems(items):
    """Tests marked with backends run on those alone; those of a group stand together, the dear ones first."""
    present = keras.backend.backend()
    groups = {}
    for item in items:
        if (marker := item.get_closest_marker("only")) is None or present in marker.args:
            groups.setdefault(group_of(item.nodeid), []).append(item)
    items[:] = [item for members in sorted(groups.values(), key=lambda members: turn_of(members[0].nodeid)) for item in members]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # which would put the groups with the fewest tests last, dear ones among them
    return Groups(config, log)


def pytest_configure(config):
    config.pluginmanager.register(Costs(), "costs")
    config.addinivalue_line("markers", "only(*backends): collect the test on these backends alone")


GROWTH, ENOUGH = 300, 2000  # mebibytes
held = 0.0


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # what is imported stays: later collections need not look at it


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """Let go of what a group leaves behind, or a test that leaves much: models and graphs refer to themselves, TensorFlow caches the
    kernels of all functions, and the allocator keeps what they held.
    """
    global held
    if nextitem is None or group_of(nextitem.nodeid) != group_of(item.nodeid) or resident_mebibytes() > held + GROWTH:
        keras.backend.clear_session()  # collects garbage too
        if keras.backend.backend() == "jax" and resident_mebibytes() > ENOUGH:
            jax.clear_caches()  # of all that was compiled; what is asked for again comes from the persistent cache
            gc.collect()
        if hasattr(ctypes.CDLL(None), "malloc_trim"):
            ctypes.CDLL(None).malloc_trim(0)
        held = resident_mebibytes()


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
