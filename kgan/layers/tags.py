"""Round tags with a binary code, as on honeybees: a model of a known object that gradients pass through (after 1611.01331)."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, NonNegative, Numbers
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor

POSE = ("rotation", "y", "x", "radius", "tilt_y", "tilt_x")
"""The numbers of a pose behind the bits of a label, each in [-1, 1]."""


@keras.saving.register_keras_serializable("kgan")
class TagRenderer(CheckedInput):
    """Pictures of tags from labels, exactly, with soft edges a pixel wide: a `keras.layers.Layer` to be used as RenderGAN's model.

    A tag is a flat disc, turned, moved, tilted and seen from far away: a white rim from 0.8 of its radius, a ring of equal cells, one a
    bit, white for 1 and black for -1, down to 0.45, inside a half white and a half black, which say how it is turned.

    Args:
        size: default 32, pixels of a side. bits: default 12 (BeesBook's).
        rotation: default 20, degrees to both sides. shift: default 2, pixels to all sides. tilt: default 0.5, radians about both axes.
        radii: default (11, 13), the least and the largest radius in pixels.

    Input: labels `(batch, bits + 6)` in [-1, 1], the bits, then `kgan.layers.tags.POSE`. Output: a list of three tensors: tags
    `(batch, size, size, 1)` in [-1, 1], -1 around them; masks of the same shape, 1 around the tag and 0 on it; depths
    `(batch, size / 4, size / 4, 1)`, how far the tag stands out there, in radii, 0 around it.

    Example:
    >>> import keras, kgan
    >>> tag, mask, depth = kgan.layers.TagRenderer()(keras.ops.zeros((2, 18)))
    >>> tuple(tag.shape), tuple(depth.shape), float(mask[0, 0, 0, 0])
    ((2, 32, 32, 1), (2, 8, 8, 1), 1.0)
    """

    axes = (2, 2)
    words = "labels (batch, bits + 6)"

    def __init__(
        self,
        size: Count = 32,
        bits: Count = 12,
        rotation: NonNegative = 20.0,
        shift: NonNegative = 2.0,
        radii: Numbers = (11.0, 13.0),
        tilt: NonNegative = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(radii) != 2 or not 0 < radii[0] <= radii[1]:
            raise ValueError(f"`radii` of TagRenderer are the least and the largest, 0 < least <= largest. Received: {radii!r}.")
        if size % 4 or bits < 3 or tilt >= math.pi / 2:
            raise ValueError(
                "A tag of TagRenderer has a size that is a multiple of 4, three bits or more, a tilt below pi / 2. Received: "
                f"{size}, {bits}, {tilt}."
            )
        self.size, self.bits, self.rotation, self.shift, self.tilt = size, bits, rotation, shift, tilt
        self.radii = list(radii)

    def build(self, input_shape: Sizes) -> None:
        self._check_labels(input_shape)
        self.built = True

    def _check_labels(self, input_shape: Sizes) -> None:
        if input_shape[-1] != self.bits + len(POSE):
            raise ValueError(
                f"A tag of {self.bits} bits has labels (batch, {self.bits + len(POSE)}). Received: {tuple(input_shape)}."
            )

    def call(self, inputs: Tensor) -> list[Tensor]:
        labels = full_precision(inputs)
        bits, pose = labels[:, : self.bits], labels[:, self.bits :]
        turn, y, x, radius, tilt_y, tilt_x = (ops.reshape(pose[:, i], (-1, 1, 1)) for i in range(len(POSE)))
        least, largest = self.radii
        radius = least + (largest - least) * (radius + 1.0) / 2.0
        along = np.arange(self.size, dtype="float32") - (self.size - 1) / 2.0
        down, across = (ops.cast(ops.convert_to_tensor(a), labels.dtype) for a in (along[None, :, None], along[None, None, :]))
        v, u = (down - self.shift * y) / radius, (across - self.shift * x) / radius
        # A plane tilted about both axes, seen from far away: `u = cos(b) p`, `v = sin(a) sin(b) p + cos(a) q`.
        a, b, turn = self.tilt * tilt_y, self.tilt * tilt_x, math.radians(self.rotation) * turn
        p = u / ops.cos(b)
        q = (v - ops.sin(a) * ops.sin(b) * p) / ops.cos(a)
        depth = ops.sin(a) * q - ops.cos(a) * ops.sin(b) * p
        p, q = ops.cos(turn) * p + ops.sin(turn) * q, ops.cos(turn) * q - ops.sin(turn) * p
        distance = ops.sqrt(ops.square(p) + ops.square(q) + 1e-12)

        def step(length: Tensor) -> Tensor:
            """From 0 to 1 where a length, in radii, passes 0: some one pixel wide."""
            return ops.sigmoid(4.0 * radius * length)

        # Half planes on one side of the rays between cells: two of them cut out a cell, with no angle whose gradient ends somewhere.
        angles = [2.0 * math.pi * k / self.bits for k in range(self.bits)]
        sides = [step(math.cos(angle) * q - math.sin(angle) * p) for angle in angles]
        shares = [sides[k] * (1.0 - sides[(k + 1) % self.bits]) for k in range(self.bits)]
        ring = sum(share * ops.reshape(bits[:, k], (-1, 1, 1)) for k, share in enumerate(shares)) / (sum(shares) + 1e-6)
        inside, outside = step(0.45 - distance), step(distance - 1.0)
        rim = step(distance - 0.8)
        face = (1.0 - rim) * (inside * (2.0 * step(q) - 1.0) + (1.0 - inside) * ring) + rim
        tag = (1.0 - outside) * face - outside
        depth = self._quarter((1.0 - outside) * depth)
        return [ops.cast(part[..., None], self.compute_dtype) for part in (tag, outside, depth)]

    def _quarter(self, images: Tensor) -> Tensor:
        n = self.size // 4
        return ops.mean(ops.reshape(images, (-1, n, 4, n, 4)), axis=(2, 4))

    def compute_output_shape(self, input_shape: Sizes) -> list[tuple[int | None, ...]]:
        self._check_labels(input_shape)
        whole, quarter = (input_shape[0], self.size, self.size, 1), (input_shape[0], self.size // 4, self.size // 4, 1)
        return [whole, whole, quarter]

    def get_config(self) -> Config:
        names = ("size", "bits", "rotation", "shift", "radii", "tilt")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
