"""Networks made of networks, where Keras' functional models do not reach: saved by the arguments of their constructor."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import keras

from kgan.types import Config


class Composed(keras.Model):
    """Base of networks whose constructor takes other networks, dicts of them, numbers, or None.

    Subclasses keep each argument as an attribute of the same name and list the names in `parts`; they set `input_shape` (and
    `output_shape` where it is one) and `built`.
    """

    parts: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> Config:
        # A plain dict: the attribute is one that Keras watches.
        own = {part: getattr(self, part) for part in self.parts}
        own = {part: dict(value) if isinstance(value, dict) else value for part, value in own.items()}
        return {**super().get_config(), **{part: keras.saving.serialize_keras_object(value) for part, value in own.items()}}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        own = {p: keras.saving.deserialize_keras_object(config[p], custom_objects=custom_objects) for p in cls.parts}
        return cls(**{**config, **own})
