"""What is timed: the systems, and how the processes that time them talk. Knows no framework, so that each process loads its own alone."""

import json
import os
import resource
import sys
import time
from typing import NamedTuple


class System(NamedTuple):
    """One row of the table. Every contender trains these networks on this minibatch in this order with Adam of these constants.

    Attributes:
        title: str.
        kind: "dcgan", "sngan", "wgan_gp" or "threed".
        shape: of an example, channels last.
        filters: maps next to the example; for "sngan" of the first of the seven convolutions.
        batch: examples of a minibatch.
        steps: discriminator steps, each on a fresh minibatch, before the one generator step of a round.
        latent: size of the noise.
        adam: learning rate, beta_1, beta_2; epsilon is 1e-8.
    """

    title: str
    kind: str
    shape: tuple
    filters: int
    batch: int
    steps: int
    latent: int
    adam: tuple

    @property
    def levels(self):
        """Halvings from the example to the 4-cell maps of the DCGAN and 3D-GAN networks."""
        return (self.shape[0] // 4).bit_length() - 1

    def small(self):
        """The same system in seconds, for tests."""
        size = 32 if self.kind == "sngan" else 8  # which has fewer layers for smaller pictures
        shape = tuple(min(n, size) for n in self.shape)
        return self._replace(shape=shape, filters=4, batch=4, latent=8)


SYSTEMS = {
    "dcgan": System("DCGAN 32x32, 64 filters, batch 64", "dcgan", (32, 32, 3), 64, 64, 1, 100, (2e-4, 0.5, 0.999)),
    "sngan-1": System("SNGAN 32x32, half width, n_dis 1, batch 64", "sngan", (32, 32, 3), 32, 64, 1, 128, (2e-4, 0.5, 0.999)),
    "sngan-5": System("SNGAN 32x32, half width, n_dis 5, batch 64", "sngan", (32, 32, 3), 32, 64, 5, 128, (1e-4, 0.5, 0.9)),
    "wgan-gp": System("WGAN-GP 32x32, 32 filters, n_dis 5, batch 64", "wgan_gp", (32, 32, 3), 32, 64, 5, 128, (1e-4, 0.0, 0.9)),
    "3d-gan": System("3D-GAN 32^3, 16 filters, batch 16", "threed", (32, 32, 32, 1), 16, 16, 1, 200, (2e-4, 0.5, 0.999)),
}
GRADIENT_PENALTY = 10.0
BATCH_NORM_EPSILON = 1e-5


def serve(build, argv):
    """The life of a worker: build, play the first round, then as many as each line of standard input asks for.

    Answers are JSON lines on standard output: the seconds, and what `build` says about its networks.

    Args:
        build: callable `(contender, system) -> (play, about)`; `play(rounds)` returns when the rounds are computed.
        argv: `[contender, system as JSON, threads]`.
    """
    contender, system, threads = argv[0], System(*json.loads(argv[1])), int(argv[2])
    system = system._replace(shape=tuple(system.shape), adam=tuple(system.adam))
    # Libraries may print: the answers keep the standard output for themselves.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    set_threads(threads)
    began = time.perf_counter()
    play, about = build(contender, system)
    built = time.perf_counter()
    play(1)
    about |= {"build_seconds": built - began, "first_step_seconds": time.perf_counter() - built}
    print(json.dumps(about), file=answers)
    for line in sys.stdin:
        began = time.perf_counter()
        play(int(line))
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
        print(json.dumps({"seconds": seconds, "peak_megabytes": peak}), file=answers)


def set_threads(threads):
    """As many threads as asked for, in the frameworks that read no environment variable."""
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)


def environment(threads, backend):
    """The environment of a worker."""
    return {
        **os.environ,
        "KERAS_BACKEND": backend,
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "NPROC": str(threads),
    }
