"""How much of a code survives in the examples made from it."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from kgan.codes import Code
from kgan.types import Array, Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class MutualInformation(keras.metrics.Metric):
    """The variational lower bound of the mutual information of codes and examples (1606.03657, Eq. 5), streamed over minibatches.

    `H(c) + mean log Q(c | x)` in nats, over all examples seen. `update_state(values, parameters)` takes the codes `(batch, size)` and
    the recognizer's outputs `(batch, parameters)`.

    Args:
        code: `kgan.codes.Code`.

    Example: outputs of zero know nothing about a code of two classes.

    >>> import numpy as np, kgan
    >>> metric = kgan.metrics.MutualInformation(kgan.codes.Categorical(2))
    >>> metric.update_state(np.eye(2, dtype="float32"), np.zeros((2, 2), "float32"))
    >>> abs(float(metric.result())) < 1e-5
    True
    """

    def __init__(self, code: Code, name: str = "mutual_information", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.code = code
        self.total = self.add_variable((), "zeros", name="total")
        self.examples = self.add_variable((), "zeros", name="examples")

    def update_state(self, values: Tensor, parameters: Tensor, sample_weight: Any = None) -> None:
        if sample_weight is not None:
            raise ValueError("MutualInformation takes no sample weights: it is a mean over examples that were generated.")
        likelihoods = self.code.log_likelihood(ops.convert_to_tensor(parameters), ops.convert_to_tensor(values))
        self.total.assign_add(ops.cast(ops.sum(likelihoods), self.total.dtype))
        self.examples.assign_add(ops.cast(ops.shape(likelihoods)[0], self.examples.dtype))

    def result(self) -> Tensor:
        seen = ops.convert_to_tensor(self.examples)
        bound = self.code.entropy + ops.convert_to_tensor(self.total) / ops.maximum(seen, 1.0)
        return ops.where(seen > 0, bound, ops.zeros_like(bound))

    def get_config(self) -> Config:
        return {"code": keras.saving.serialize_keras_object(self.code), "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{**config, "code": keras.saving.deserialize_keras_object(config["code"])})


def cluster_purity(clusters: ArrayLike, labels: ArrayLike) -> float:
    """Accuracy of a clustering when every cluster stands for its most frequent label (1606.03657, section 7.2).

    Args:
        clusters, labels: integers `(count,)`. Several clusters may stand for one label, and a label for none.

    Returns:
        Float in (0, 1]. With as many clusters as examples it is 1 and means nothing.

    Example:
    >>> import kgan
    >>> kgan.metrics.cluster_purity([0, 0, 0, 1], [7, 7, 3, 3])
    0.75
    """
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.ndim != 1 or clusters.shape != labels.shape or not len(labels):
        raise ValueError(
            f"Clusters and labels must be two arrays (count,) of one length. Received the shapes {clusters.shape} and {labels.shape}."
        )
    right = sum(np.unique(labels[clusters == cluster], return_counts=True)[1].max() for cluster in np.unique(clusters))
    return float(right / len(labels))


def code_cluster_error(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Error of a clustering when every cluster stands for the label of the example that is most surely in it (1511.05644, section 6).

    The paper names clusters by validation examples and judges others; here both are the same ones, so that an example which names its own
    cluster is right in any case: that flatters by at most one example a cluster.

    Args:
        probabilities: array `(count, clusters)`, q(cluster | example), as `kgan.PixelGANAutoencoder.encode` returns it.
        labels: integers `(count,)`.

    Returns:
        Float in [0, 1]. Where several examples are equally sure, the first names the cluster.

    Example: the first cluster is named by its second example, the second by the last.

    >>> import kgan
    >>> kgan.metrics.code_cluster_error([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [3, 7, 7, 3])
    0.25
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            f"Probabilities must be (count, clusters), labels (count,). Received the shapes {probabilities.shape} and {labels.shape}."
        )
    named = labels[probabilities.argmax(0)]
    return float((named[probabilities.argmax(1)] != labels).mean())


def name_clusters(clusters: ArrayLike, labels: ArrayLike, count: int) -> tuple[Array, int]:
    """The most frequent label of every cluster, to be learned from some examples and applied to others (1511.06390, section 4).

    Args:
        clusters, labels: integers `(examples,)`, of training examples: names learned from those that are judged are `cluster_purity`.
        count: number of clusters, of which some may have no example.

    Returns:
        `(names, empty)`: integers `(count,)`, so that `names[clusters]` are labels, and how many clusters had no example; these are given
        the most frequent label of all.

    Example:
    >>> import kgan
    >>> kgan.metrics.name_clusters([0, 0, 0, 2], [7, 7, 3, 3], count=3)
    (array([7, 3, 3]), 1)
    """
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.ndim != 1 or clusters.shape != labels.shape or not len(labels):
        raise ValueError(
            f"Clusters and labels must be two arrays (count,) of one length. Received the shapes {clusters.shape} and {labels.shape}."
        )
    if clusters.min() < 0 or clusters.max() >= count:
        raise ValueError(f"Clusters must lie in [0, {count}). Received: [{clusters.min()}, {clusters.max()}].")
    values, positions = np.unique(labels, return_inverse=True)
    table = np.zeros((count, len(values)), "int64")
    np.add.at(table, (clusters, positions), 1)
    empty = table.sum(1) == 0
    table[empty] = table.sum(0)
    return values[table.argmax(1)], int(empty.sum())


def mean_hamming_distance(bits: ArrayLike, scores: ArrayLike) -> float:
    """How many bits of a code are read wrong, in the mean over examples (RenderGAN, 1611.01331); half of them by chance.

    Args:
        bits: `(count, bits)`, 0 or 1, or -1 and 1: what is above 0 is a one. scores: of the same shape, logits, or numbers above 0 for 1.

    Raises:
        ValueError: shapes that differ.

    Example:
    >>> import kgan
    >>> kgan.metrics.mean_hamming_distance([[1, 0, 1], [0, 0, 0]], [[2.0, 0.5, 1.0], [-1.0, -1.0, -3.0]])
    0.5
    """
    bits, scores = np.asarray(bits), np.asarray(scores)
    if bits.shape != scores.shape or bits.ndim != 2 or not bits.size:
        raise ValueError(f"Bits and scores are (count, bits) of one shape. Received {bits.shape} and {scores.shape}.")
    return float(((bits > 0) != (scores > 0)).sum(axis=1).mean())
