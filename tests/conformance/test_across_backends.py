"""One round agrees across TensorFlow, JAX and torch. Collected where all three are installed (`make test-backends`)."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.conformance.specs import SPECS

BACKENDS = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]

pytestmark = pytest.mark.slow


# Processes of a backend: JAX compiles every operation for every shape, which takes longer than all rounds of the others.
SHARES = {"jax": 2}


@pytest.fixture(scope="module")
def rounds(request, tmp_path_factory):
    """The rounds of the rows that this test run asks for."""
    folder = tmp_path_factory.mktemp("rounds")
    ours = [item for item in request.session.items if item.fspath == request.fspath]
    names = list(dict.fromkeys(item.callspec.params["name"] for item in ours))
    running, results = {}, {backend: {} for backend in BACKENDS}
    for backend in BACKENDS:
        shares = min(SHARES.get(backend, 1), len(names))
        for share in range(shares):
            path = folder / f"{backend}{share}.npz"
            command = [sys.executable, "-m", "tests.conformance.round_of", str(path), *names[share::shares]]
            running[backend, path] = subprocess.Popen(command, env={**os.environ, "KERAS_BACKEND": backend})
    for (backend, path), process in running.items():
        assert process.wait(timeout=1200) == 0, backend
        with np.load(path) as file:
            results[backend] |= {key: file[key] for key in file.files}
    return results


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("name", SPECS)  # not `row`: one worker plays the rounds of all
@pytest.mark.parametrize("other", BACKENDS[1:])
def test_one_round_agrees(rounds, name, other):
    mine = {k: v for k, v in rounds["tensorflow"].items() if k.split("|")[0] == name}
    theirs = {k: v for k, v in rounds[other].items() if k.split("|")[0] == name}
    assert len(mine) == len(theirs) > 0
    for (key, a), b in zip(mine.items(), theirs.values(), strict=True):
        np.testing.assert_allclose(a, b, atol=SPECS[name].tolerance, err_msg=key)
