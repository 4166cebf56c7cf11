"""kgan: adversarial systems in Keras 3, on TensorFlow, JAX and torch."""

from kgan.startup import with_onednn, without_notices

try:
    with_onednn()
    with without_notices():
        import keras
except ImportError as error:  # a missing backend shows as an ImportError of tensorflow, jax or torch
    raise ImportError(
        f"kgan needs Keras with a backend, and importing it failed: {error}. Install one of\n"
        "    pip install 'kgan[cpu]'         TensorFlow on a CPU\n"
        "    pip install 'kgan[gpu]'         TensorFlow with CUDA\n"
        "    pip install 'kgan[jax]'         and set KERAS_BACKEND=jax\n"
        "    pip install 'kgan[torch]'       and set KERAS_BACKEND=torch"
    ) from error

if keras.backend.backend() not in ("tensorflow", "jax", "torch"):
    raise ImportError(f"kgan runs on tensorflow, jax and torch. KERAS_BACKEND is {keras.backend.backend()!r}.")

from kgan import (
    augmentations,
    backend,
    callbacks,
    causal,
    codes,
    conditioning,
    control,
    datasets,
    diagnostics,
    divergences,
    families,
    latents,
    layers,
    memory,
    metrics,
    networks,
    objectives,
    optimizers,
    penalties,
    pictures,
    presets,
    priors,
    programs,
    shapes,
    stego,
    stories,
)
from kgan.engine import AdversarialModel, Consensus, Descent, DivergenceError, Move, Observation, Rule, Turn
from kgan.families import *  # noqa: F403 - every family, listed in one place
from kgan.programs import *  # noqa: F403
from kgan.version import __version__

__all__ = [
    "AdversarialModel",
    "Consensus",
    "Descent",
    "DivergenceError",
    "Move",
    "Observation",
    "Rule",
    "Turn",
    "__version__",
    "augmentations",
    "backend",
    "callbacks",
    "causal",
    "codes",
    "conditioning",
    "control",
    "datasets",
    "diagnostics",
    "divergences",
    "families",
    "latents",
    "layers",
    "memory",
    "metrics",
    "networks",
    "objectives",
    "optimizers",
    "penalties",
    "pictures",
    "presets",
    "priors",
    "programs",
    "shapes",
    "stego",
    "stories",
]
__all__ += [*families.__all__, *programs.__all__]
