"""Features of any images without training and without a download: a random convolutional network."""

import functools

import keras
import numpy as np
from keras import ops

from kgan.arguments import SEED, require
from kgan.metrics.extractors import Extractor
from kgan.metrics.judges import averaged, in_layers
from kgan.types import Array, Config, Tensor

_SIZE = 32
_MAPS = (64, 128, 256)


@functools.cache
def _weights(seed: int, units: int) -> tuple[tuple[Array, Array], ...]:
    rng, incoming, size = np.random.default_rng(seed), 3, _SIZE
    layers: list[tuple[int, ...]] = []
    for maps in _MAPS:
        layers.append((3, 3, incoming, maps))
        incoming, size = maps, size // 2
    layers.append((incoming * size * size, units))
    # He et al. 2015: signals keep their size through ReLU.
    kernels = [rng.normal(scale=np.sqrt(2.0 / np.prod(shape[:-1])), size=shape).astype("float32") for shape in layers]
    return tuple((kernel, np.zeros(kernel.shape[-1], "float32")) for kernel in kernels)


@keras.saving.register_keras_serializable("kgan")
class RandomConvolutions(Extractor):
    """Features of images of any kind: a fixed convolutional network that was never trained.

    Naeem et al. 2020 (2002.09797, section 3.3) find random networks sound for precision, recall, density and coverage, above all where the
    images are unlike those that trained networks know; theirs is VGG-16, with 4,096 features. Here: three convolutions 3x3 of stride 2 (64,
    128, 256 maps) and a layer of 64, all ReLU, He initialization, no biases, so that a thousand images are more than features. Distances
    over its features are named after it and its seed (`frechet_distance[random-conv-s0]`), and compare only with each other.

    Call it with images (batch, height, width, 1 or 3) in [-1, 1]; they are averaged over areas to 32x32, gray is repeated to three
    channels, values outside are clipped. It returns features (batch, 64), without classes, and runs inside compiled steps, with equal
    numbers on every backend up to rounding.

    Args:
        seed: default 0: which network.

    Raises:
        ValueError: images of another number of channels.

    Example:
    >>> import numpy as np
    >>> features = RandomConvolutions()
    >>> features.name, features.features(np.zeros((2, 48, 40, 3), "float32")).shape
    ('random-conv-s0', (2, 64))
    """

    feature_size = 64
    batch_size = 256

    def __init__(self, seed: int = 0) -> None:
        require(SEED, seed=seed)
        self.seed, self.name = seed, f"random-conv-s{seed}"
        self._layers = _weights(seed, self.feature_size)

    def __call__(self, images: Tensor) -> Tensor:
        images = ops.clip(ops.cast(images, "float32"), -1.0, 1.0)
        if len(images.shape) != 4 or images.shape[3] not in (1, 3):
            raise ValueError(f"Images must be (batch, height, width, 1 or 3). Received: {tuple(images.shape)}.")
        if images.shape[3] == 1:
            images = ops.repeat(images, 3, axis=3)
        return in_layers(averaged(images, _SIZE), self._layers)

    def get_config(self) -> Config:
        return {"seed": self.seed}
