"""The Inception network of the published scores, from the file of its authors."""

import hashlib
from pathlib import Path
from typing import ClassVar

import keras
from keras import ops

from kgan.backend import frozen_graph
from kgan.files import reading
from kgan.metrics.extractors import Extractor
from kgan.types import Config, Tensor

_FEED, _FETCH, _LOGITS = "ExpandDims", "pool_3", "softmax/logits/MatMul"
_FEATURES, _CLASSES = 2048, 1008


@keras.saving.register_keras_serializable("kgan")
class InceptionFeatures(Extractor):
    """Features and class probabilities of the Inception network of 2015-12-05, on the TensorFlow backend.

    The network behind the Inception Score (1606.03498), FID (1706.08500) and KID (1801.01401); with another one, such as
    `keras.applications.InceptionV3`, figures are tens of percent off and must not bear these names. kgan downloads nothing: get
    `inception-2015-12-05.tgz` from TensorFlow's model downloads and give the path of its `classify_image_graph_def.pb`.

    Protocol of the public code: images are mapped once to pixels 0..255, rounded and clipped, gray repeated to three channels, and fed
    before the graph's own bilinear resize to 299x299 (without antialiasing) and scaling. Features: `pool_3`, 2048. Classes: features
    times the weight of `softmax/logits/MatMul`, without bias, softmax over 1008 outputs.

    Call it with images (batch, n, m, 1 or 3) in [-1, 1]; it returns features (batch, 2048) and runs inside compiled steps.

    Args:
        path: of `classify_image_graph_def.pb`. A graph is a program: take it from its publisher alone.

    Attributes:
        name: says which file, by the first 8 digits of its SHA-256, and how images are resized; part of the name of every figure.

    Raises:
        RuntimeError: on another backend. FileNotFoundError. ValueError: another file, naming what it lacks; images out of range.

    The file is recognized by its nodes and their sizes, not by its hash: a network trained anew in the same architecture would pass, and
    show by its name.

    Example:
    >>> InceptionFeatures("/nowhere/classify_image_graph_def.pb")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no file '/nowhere/classify_image_graph_def.pb'. InceptionFeatures needs the published graph ...
    """

    feature_size = _FEATURES
    batch_size = 50
    titles: ClassVar[dict[str, str]] = {"frechet_distance": "FID", "kernel_distance": "KID", "class_score": "IS"}

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"There is no file {self.path!r}. InceptionFeatures needs the published graph `classify_image_graph_def.pb`, from "
                "inception-2015-12-05.tgz of TensorFlow's model downloads; kgan does not download it."
            )
        content = Path(path).read_bytes()
        with reading(path, "`classify_image_graph_def.pb` of 2015-12-05"):
            self._graph = frozen_graph(content, _FEED, _FETCH, (_LOGITS, 1))
            features, weight = (ops.convert_to_numpy(tensor) for tensor in self._graph(ops.zeros((1, 1, 1, 3))))
        self._weight = weight
        if features.shape[-1] != _FEATURES or weight.shape != (_FEATURES, _CLASSES):
            raise ValueError(
                f"{self.path!r} is not `classify_image_graph_def.pb` of 2015-12-05: {_FETCH} {features.shape} and the weight of "
                f"{_LOGITS} {weight.shape} should end in {_FEATURES} and be {(_FEATURES, _CLASSES)}."
            )
        self.name = f"inception-2015-12-05:{hashlib.sha256(content).hexdigest()[:8]}:tf-bilinear-299"

    def __call__(self, images: Tensor) -> Tensor:
        images = ops.cast(images, "float32")
        if len(images.shape) != 4 or images.shape[3] not in (1, 3):
            raise ValueError(f"Images must be (batch, height, width, 1 or 3). Received: {tuple(images.shape)}.")
        pixels = ops.clip(ops.round((images + 1.0) * 127.5), 0.0, 255.0)
        if images.shape[3] == 1:
            pixels = ops.repeat(pixels, 3, axis=3)
        features, _ = self._graph(pixels)
        return ops.reshape(features, (-1, _FEATURES))

    def classify(self, features: Tensor) -> Tensor:
        """Class probabilities (batch, 1008) from features, a tensor."""
        return ops.softmax(ops.matmul(features, self._weight))

    def get_config(self) -> Config:
        return {"path": self.path}
