"""Keras' own Inception network, from the weights that lie in its cache."""

import hashlib
import os
import random
from pathlib import Path

import keras
from keras import ops

from kgan.files import reading
from kgan.metrics.extractors import Extractor
from kgan.types import Config, Tensor

_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
_SIZE = 299


@keras.saving.register_keras_serializable("kgan")
class KerasInceptionFeatures(Extractor):
    """Features and class probabilities of `keras.applications.InceptionV3`, trained on ImageNet.

    For pictures of any kind, on every backend, where the weights lie in Keras' cache already: kgan downloads nothing. They are not those
    behind the published scores, from which figures are tens of percent off, so that figures over them bear no published name: see
    `InceptionFeatures`.

    Call it with images (batch, n, m, 1 or 3) in [-1, 1]: gray is repeated to three channels, all are resized to 299x299 (bilinear, without
    antialiasing). It returns the 2,048 features of the last pooling, and runs inside compiled steps.

    Args:
        path: of the weights; default None: `$KERAS_HOME/models/inception_v3_weights_tf_dim_ordering_tf_kernels.h5`, or below `~/.keras`.

    Attributes:
        name: says which weights, by the first 8 digits of their SHA-256.

    Raises:
        FileNotFoundError: there are none; says how to get them. ValueError: another file; images with other channels.

    Example:
    >>> KerasInceptionFeatures("/nowhere/inception.h5")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There are no weights '/nowhere/inception.h5'. Where there is a network, python -c "import keras; ...
    """

    feature_size = 2048
    batch_size = 50

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else str(path)
        file = Path(path or Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / _FILE)
        if not file.is_file():
            raise FileNotFoundError(
                f'There are no weights {str(file)!r}. Where there is a network, python -c "import keras; '
                'keras.applications.InceptionV3()" puts them into the cache of Keras; kgan does not download them.'
            )
        state = random.getstate()
        with reading(file, "weights of keras.applications.InceptionV3"):
            network = keras.applications.InceptionV3(weights=str(file))
        # Fresh layers draw their seeds from the global generator, which what is measured should not feel.
        random.setstate(state)
        network.trainable = False
        self._network = keras.Model(network.input, network.get_layer("avg_pool").output)
        self._kernel, self._bias = network.get_layer("predictions").get_weights()
        self.name = f"keras-inception-v3:{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}:bilinear-299"

    def __call__(self, images: Tensor) -> Tensor:
        images = ops.clip(ops.cast(images, "float32"), -1.0, 1.0)
        if len(images.shape) != 4 or images.shape[3] not in (1, 3):
            raise ValueError(f"Images must be (batch, height, width, 1 or 3). Received: {tuple(images.shape)}.")
        if images.shape[3] == 1:
            images = ops.repeat(images, 3, axis=3)
        images = ops.image.resize(images, (_SIZE, _SIZE), "bilinear", data_format="channels_last")
        return self._network(images, training=False)

    def classify(self, features: Tensor) -> Tensor:
        """Class probabilities (batch, 1000) from features, a tensor."""
        return ops.softmax(ops.add(ops.matmul(features, self._kernel), self._bias))

    def get_config(self) -> Config:
        return {"path": self.path}
