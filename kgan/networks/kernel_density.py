"""A kernel density estimate, as a network that knows the log-density of points."""

import math
from typing import Any, Self

import keras
from keras import ops

from kgan.arguments import Checked, Count, Positive
from kgan.backend import full_precision
from kgan.types import Array, Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class KernelDensity(Checked, keras.layers.Layer):
    """`log p(x) = log 1/N sum_i N(x; x_i, h^2 I)`: normal kernels on N points, which are weights that nothing moves.

    For points and short vectors; of pictures, use a `kgan.networks.PixelCNNPlusPlus`. Make one of data with `KernelDensity.of`.

    Args:
        count: N. size: coordinates of a point. bandwidth: h, in units of the data.

    Example:
    >>> import numpy as np, kgan
    >>> density = kgan.networks.KernelDensity.of(np.zeros((1, 2), "float32"), bandwidth=1.0)
    >>> round(float(density.log_likelihood(np.zeros((1, 2), "float32"))[0]), 4)
    -1.8379
    """

    def __init__(self, count: Count, size: Count, bandwidth: Positive, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.count, self.size, self.bandwidth = count, size, bandwidth
        self.points = self.add_weight(shape=(count, size), initializer="zeros", trainable=False, name="points")
        self.built = True

    @classmethod
    def of(cls, points: Array, bandwidth: float, name: str = "density") -> Self:
        """The estimate from points `(count, size)`."""
        if len(points.shape) != 2:
            raise ValueError(f"Points must be (count, size). Received the shape {tuple(points.shape)}.")
        count, size = points.shape
        density = cls(count, size, bandwidth, name=name)
        density.points.assign(points)
        return density

    def log_likelihood(self, examples: Tensor) -> Tensor:
        """`log p(x)` in nats, `(batch,)`."""
        examples = full_precision(ops.convert_to_tensor(examples))
        points = full_precision(ops.convert_to_tensor(self.points))
        # Differences, not products: near a point the latter would lose the distance. Batches of both may be large, so by coordinate.
        squares = sum(ops.square(examples[:, k, None] - points[None, :, k]) for k in range(self.size))
        constant = math.log(self.count) + self.size * (math.log(self.bandwidth) + 0.5 * math.log(2.0 * math.pi))
        return ops.logsumexp(-squares / (2.0 * self.bandwidth**2), axis=-1) - constant

    def get_config(self) -> Config:
        config = {name: value for name, value in super().get_config().items() if name != "trainable"}
        return {**config, "count": self.count, "size": self.size, "bandwidth": self.bandwidth}
