"""Several networks of one kind as one player."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import keras
from keras import ops

from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class Ensemble(keras.Model):
    """J networks of equal input and output shapes, each with weights of its own, that move together.

    As a player of a move whose loss is a sum of one loss per member, every member follows the gradient of its own.

    Args:
        members: sequence of built Keras models. `Ensemble.of(build, count)` calls a builder `count` times.

    Attributes:
        members: list of the networks.
        input_shape, output_shape: of one member.

    Call: `(batch, ...)` to the outputs of all members on the same input, `(members, batch, ...)`.

    Raises:
        ValueError: for no members, unbuilt ones, one given twice, or different shapes.

    Example:
    >>> import kgan
    >>> ensemble = kgan.networks.Ensemble.of(lambda: kgan.networks.mlp.generator((2,), 3, (8,)), 4)
    >>> ensemble(kgan.priors.Normal()((5, 3))).shape
    TensorShape([4, 5, 2])
    """

    def __init__(self, members: Iterable[keras.Model], name: str = "ensemble", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        members = list(members)
        if not members or not all(isinstance(m, keras.Model) and m.built for m in members):
            raise ValueError(f"An ensemble takes one or more built Keras models. Received: {members!r}.")
        if len({id(m) for m in members}) != len(members):
            raise ValueError("Every member of an ensemble has weights of its own; one network was given twice.")
        shapes = {(m.input_shape, m.output_shape) for m in members}
        if len(shapes) > 1:
            raise ValueError(f"All members need the same input and output shapes. Received: {sorted(shapes)}.")
        self.members = members
        self.built = True

    @classmethod
    def of(cls, build: Callable[[], keras.Model], count: int, name: str = "ensemble") -> Self:
        """An ensemble of `count` networks that `build()` makes, each from another start."""
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"An ensemble has one or more members. Received: {count!r}.")
        return cls([build() for _ in range(count)], name=name)

    @property
    def input_shape(self) -> Any:
        return self.members[0].input_shape

    @property
    def output_shape(self) -> Any:
        return self.members[0].output_shape

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return ops.stack([member(inputs, training=training) for member in self.members])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (len(self.members), *self.members[0].compute_output_shape(input_shape))

    def get_config(self) -> Config:
        return {"members": [keras.saving.serialize_keras_object(m) for m in self.members], "name": self.name}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        config = dict(config)
        config["members"] = [keras.saving.deserialize_keras_object(m, custom_objects=custom_objects) for m in config["members"]]
        return cls(**config)
