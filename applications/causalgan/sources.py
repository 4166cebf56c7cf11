"""Where labels and images come from: drawn faces, CelebA, or a table and a folder of your own."""

from pathlib import Path

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np

from kgan.backend.feeding import Clock
from kgan.datasets.attribute_lists import read_attributes
from kgan.datasets.labeled_images import read_labels

FACES = 8000


class Draws(keras.utils.PyDataset):
    """Minibatches of labels drawn from all of them, other ones in every epoch; which ones is a function of seed and epoch."""

    def __init__(self, labels: np.ndarray, batch_size: int, minibatches: int, seed: int) -> None:
        super().__init__()
        self.labels, self.batch_size, self.minibatches, self.seed = labels, batch_size, minibatches, seed
        self.clock = Clock()

    def __len__(self) -> int:
        return self.minibatches

    def __getitem__(self, index: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, self.clock.epoch, index))
        return self.labels[rng.integers(len(self.labels), size=self.batch_size)]


class Faces:
    """Drawn faces whose attributes follow a structural model, so that every figure has a truth to be compared with."""

    size = 16  # what two cores learn in minutes

    def __init__(self, graph, seed, count=FACES):
        self.truth = kgan.causal.structural_model("faces")
        if graph is not None and set(graph.nodes) != set(self.truth.graph.nodes):
            raise ValueError(
                f"The drawn faces have the labels {list(self.truth.graph.nodes)}; the graph has {list(graph.nodes)}."
            )
        self.graph = graph or self.truth.graph
        self.count, self.seed = count, seed

    def labels(self):
        drawn = self.truth.sample(self.count, seed=self.seed)
        return self.graph.matrix(dict(drawn))

    def pairs(self, size, batch_size):
        labels = self.labels()
        return self.draw(labels, size, self.seed), labels

    def draw(self, labels, size, seed):
        columns = {node: labels[:, i].astype(int) for i, node in enumerate(self.graph.nodes)}
        return kgan.datasets.draw_faces(columns, size=size, seed=seed)

    def judge(self, size, seed):
        """A classifier trained on drawn faces of all combinations alike; one trained on the model's would not know the rare ones."""
        labels = np.random.default_rng(seed).integers(0, 2, (5000, len(self.graph)))
        return kgan.metrics.attribute_classifier(self.draw(labels, size, seed + 1), labels, self.graph.nodes, seed=seed)


class CelebA:
    """CelebA's files below a folder, or tensorflow-datasets' copy."""

    size, truth, judge = 64, None, None

    def __init__(self, graph, seed, root):
        self.graph, self.seed, self.root = graph or kgan.causal.graph("celeba"), seed, root

    def labels(self):
        if self.root.startswith("tfds:"):
            return kgan.datasets.celeba(self.root, self.graph.nodes, batch_size=None, mirror=False)[1]
        lists = [Path(self.root) / "list_attr_celeba.txt", Path(self.root) / "Anno" / "list_attr_celeba.txt"]
        _, names, values = read_attributes(next((path for path in lists if path.exists()), lists[0]))
        return self.graph.matrix({node: values[:, names.index(node)] for node in self.graph.nodes if node in names})

    def pairs(self, size, batch_size):
        return kgan.datasets.celeba(self.root, self.graph.nodes, size, batch_size=batch_size, seed=self.seed)


class Own:
    """A comma-separated table (file name, labels) and the folder with its images."""

    size, truth, judge = 64, None, None

    def __init__(self, graph, seed, table, folder):
        if graph is None:
            raise ValueError("Your own labels need a graph: --graph graph.txt, with lines such as `Cause -> Effect`.")
        self.graph, self.seed, self.table, self.folder = graph, seed, table, folder

    def labels(self):
        return self.graph.matrix(read_labels(self.table, self.graph.nodes)[2])

    def pairs(self, size, batch_size):
        return kgan.datasets.labeled_images(
            self.table, self.folder, self.graph.nodes, size, batch_size=batch_size, seed=self.seed
        )


def source(data, graph, table, images, seed):
    """The source that the options of train.py name."""
    graph = None if graph is None else kgan.causal.graph(graph)
    if (table is None) != (images is None):
        raise ValueError("--table and --images go together: the labels, and the folder of their images.")
    if table is not None:
        return Own(graph, seed, table, images)
    if data == "faces":
        return Faces(graph, seed)
    if data.startswith("celeba:"):
        return CelebA(graph, seed, data.removeprefix("celeba:"))
    if data == "tfds:celeb_a":
        return CelebA(graph, seed, data)
    raise ValueError(f"--data must be faces, celeba:FOLDER or tfds:celeb_a. Received: {data!r}.")
