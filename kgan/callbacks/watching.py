"""Callbacks for watching: pictures of samples, an alarm for collapse, averaged weights."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kgan import backend, pictures
from kgan.arguments import Checked, Count, Seed
from kgan.types import FilePath, Logs, Nest


class SampleGrid(Checked, keras.callbacks.Callback):
    """A picture of samples from the same latents after every n-th epoch, and one at the start.

    Args:
        folder: where `samples-00012.png` is written; made if missing.
        count: default 64, samples; points are drawn in a cloud, 1024 look best.
        every: default 1, epochs between pictures.
        seed: default 0, of the latents.
        tensorboard: folder for the same pictures in TensorBoard, or None (default).
        draw: `(path, samples, title)` that writes the picture, a PNG; default `kgan.pictures.save_samples` with clip=True.
        title: what is drawn, which stands above the picture with the epoch; default None: the name of the model's class.
        sample: `(model, count, seed) -> samples`; default `model.generate`.
    """

    def __init__(
        self,
        folder: FilePath,
        count: Count = 64,
        every: Count = 1,
        seed: Seed = 0,
        tensorboard: FilePath | None = None,
        draw: Callable[[Path, Nest, str], object] | None = None,
        sample: Callable[[Any, int, int], Nest] | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.count, self.every, self.seed, self.tensorboard = count, every, seed, tensorboard
        self.draw = draw or (lambda path, samples, title: pictures.save_samples(path, samples, clip=True, title=title))
        self.title = title
        self.sample = sample or (lambda model, count, seed: model.generate(count, seed=seed))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if epoch == 0 and not self.model.within_epoch:
            self._draw(0)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if (epoch + 1) % self.every == 0:
            self._draw(epoch + 1)

    def _draw(self, done: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"samples-{done:05d}.png"
        title = type(self.model).__name__ if self.title is None else self.title
        self.draw(path, self.sample(self.model, self.count, self.seed), f"{title}, epoch {done}")
        if self.tensorboard is not None:
            from PIL import Image

            with Image.open(path) as drawn:
                backend.write_image_summary(Path(self.tensorboard), "samples", np.asarray(drawn.convert("RGB")), done)


class CollapseMonitor(keras.callbacks.Callback):
    """Warn when the samples stop differing from each other.

    After every n-th epoch the mean distance between samples of fixed latents is compared with that between real examples, and
    logged as `sample_diversity` (1: as different as the data; 0: one single sample).

    Args:
        real: array of real examples; up to `count` are used.
        threshold: in (0, 1), default 0.2: warn below this share of the data's diversity.
        stop: default False: also end the training.
        count: default 128. every: default 1, epochs. seed: default 0, of the latents.
    """

    def __init__(
        self, real: Any, threshold: float = 0.2, stop: bool = False, count: int = 128, every: int = 1, seed: int = 0
    ) -> None:
        super().__init__()
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"`threshold` must lie between 0 and 1. Received: {threshold!r}.")
        self.threshold, self.stop, self.count, self.every, self.seed = threshold, stop, count, every, seed
        self._reference = mean_distance(np.asarray(real)[:count])
        if not self._reference > 0:
            raise ValueError("The real examples are all equal; diversity cannot be measured against them.")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every:
            return
        diversity = mean_distance(self.model.generate(self.count, seed=self.seed)) / self._reference
        if logs is not None:
            logs["sample_diversity"] = diversity
        if diversity < self.threshold:
            warnings.warn(
                f"{self.model.name} may have collapsed: after epoch {epoch + 1} its samples differ {diversity:.2f} times as much as the "
                f"data do (threshold {self.threshold}).",
                stacklevel=2,
            )
            self.model.stop_training = self.model.stop_training or self.stop


def mean_distance(examples: Any) -> float:
    """Mean Euclidean distance between the examples of a set, over all pairs."""
    flat = np.asarray(examples, "float64").reshape(len(examples), -1)
    if len(flat) < 2:
        raise ValueError(f"At least 2 examples are needed. Received {len(flat)}.")
    squared = (flat**2).sum(1)
    distances = np.sqrt((squared[:, None] + squared - 2.0 * flat @ flat.T).clip(0))
    return float(distances.sum() / (len(flat) * (len(flat) - 1)))


class GeneratorAverage(keras.callbacks.Callback):
    """Keep an exponential average of the generator, used by `generate`, `predict` and `evaluate`.

    The same as `compile(averages={"generator": decay})`: the average moves inside the compiled round and is saved with the model.

    Args:
        decay: in (0, 1), default 0.999.
        player: default "generator".
    """

    def __init__(self, decay: float = 0.999, player: str = "generator") -> None:
        super().__init__()
        self.decay, self.player = decay, player

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        model.keep_averages({self.player: self.decay})
