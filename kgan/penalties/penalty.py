"""The form of a term that families take in `penalties=`."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import keras

from kgan.arguments import Checked, Level
from kgan.optimizers.schedules import checked_level, level_at
from kgan.types import Config, Tensor


class Scored(NamedTuple):
    """What one discriminator move has computed already, so that penalties need not compute it again.

    Attributes:
        real, fake: tensors `(batch, ...)`.
        real_logits, fake_logits: the discriminator's outputs for them, `(batch, 1)`.
        real_features: input of the discriminator's last layer for the real examples, where a penalty `needs_features`; else None.
        labels: classes of the real examples, and of the generated ones at the same places, `(batch,)`; None of a game without classes.
        class_logits: a pair of the logits of classes of real and of generated examples, where the discriminator returns them.
    """

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real_features: Tensor = None
    labels: Tensor = None
    class_logits: tuple[Tensor, Tensor] | None = None

    def score_of(self, model: Any) -> Callable[[Tensor], Tensor]:
        """The model's score of points that belong to the examples one by one: where there are classes, those of the examples."""
        return model.score if self.labels is None else lambda points: model.score(points, self.labels)


class Penalty(Checked):
    """A weighted term of a discriminator's loss. Subclasses say at which points, and what.

    Args:
        weight: the factor of the term, a number, or a schedule of `keras.optimizers.schedules` or `kgan.optimizers`: a function of the
            number of rounds played, saved with the model.

    Attributes:
        name: the key of the term in the logs.
        needs_features: whether `Scored.real_features` is used.
    """

    name = "penalty"
    needs_features = False

    def __init__(self, weight: Level) -> None:
        self.weight = checked_level("weight", weight)

    def weight_in(self, model: Any) -> Any:
        """The factor of the present round: a float, or a scalar tensor where it follows a schedule."""
        return self.weight if isinstance(self.weight, float) else level_at(self.weight, model.rounds)

    def check(self, discriminator: keras.Model) -> None:
        """Refuse a network for which the term would be wrong."""

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        """The weighted scalar, for a two-player model and the `Scored` examples of a move."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(model, scored).")

    def get_config(self) -> Config:
        return {"weight": keras.saving.serialize_keras_object(self.weight)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})
