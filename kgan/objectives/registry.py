"""What an adversarial objective is, and which are known by name, so that models using them can be saved and loaded."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from kgan.arguments import Checked
from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
@dataclass(frozen=True)
class Objective(Checked):
    """A pair of losses for the two players.

    Attributes:
        name: unique; saved with a model, see `kgan.objectives.register`.
        discriminator: callable `(real_logits, fake_logits) -> scalar`.
        generator: callable `(fake_logits) -> scalar`.
    """

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]

    def get_config(self) -> Config:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> "Objective":
        return get(config["name"])


ObjectiveLike = Objective | str
"""An objective, or the name of a registered one."""

_registry: dict[str, Objective] = {}


def register(objective: Objective) -> Objective:
    """Make an objective known by its name, so that models using it can be saved and loaded. Returns it."""
    if not isinstance(objective, Objective):
        raise TypeError(f"Expected a kgan.objectives.Objective. Received: {objective!r} of type {type(objective).__name__}.")
    known = _registry.setdefault(objective.name, objective)
    if known is not objective:
        raise ValueError(f"Another objective is already registered as {objective.name!r}. Choose another name.")
    return objective


def get(objective: ObjectiveLike) -> Objective:
    """Resolve an objective from itself or from its registered name."""
    if isinstance(objective, Objective):
        # A class of its own carries its configuration; a plain pair of functions is saved by its name.
        return register(objective) if type(objective) is Objective else objective
    if isinstance(objective, str) and objective in names():
        return _registry[objective]
    raise ValueError(f"Unknown objective {objective!r}. Pass a kgan.objectives.Objective or one of {names()}.")


def names() -> list[str]:
    """Names of the registered objectives."""
    return sorted(_registry)
