"""How proofs run and report: one JSON line per figure, so that a table can be made from a log."""

import argparse
import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

import kgan

DIGIT = (8, 8, 1)
MNIST = (28, 28, 1)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="run once per seed (default: 0)")
    parser.add_argument("--smoke", action="store_true", help="a few steps, to see that everything runs; figures mean nothing")
    parser.add_argument("--parts", nargs="+", help="run only these parts")
    parser.add_argument("--steps", type=int, help="for so many steps each, in place of a part's own number")
    return parser.parse_args()


class Together(NamedTuple):
    """A figure of all seeds together: its bar, whether it was reached, how it is made of the seeds' values, how many those must be."""

    bar: str
    reached: Callable[[float], bool]
    combine: Callable[[Sequence[float]], float]
    least: int


class Report:
    """Prints figures and remembers whether all reached their bars."""

    def __init__(self, proof: str, smoke: bool = False) -> None:
        self.proof, self.smoke, self.missed = proof, smoke, []
        self.together: dict[str, Together] = {}
        self.values: dict[str, dict[int, float]] = {}
        self.start = time.time()

    def figure(self, name, value, bar=None, ok=None, seed=None):
        """One figure. `bar` is text, such as "< 2.5"; `ok` whether it was reached, None where there is none."""
        if ok is not None and not ok and not self.smoke:
            self.missed.append(name)
        line = {"proof": self.proof, "figure": name, "value": value, "bar": bar, "ok": None if ok is None else bool(ok)}
        if seed is not None:
            line["seed"] = seed
        line["smoke"] = self.smoke
        print(json.dumps(line), flush=True)

    def over_seeds(
        self,
        name: str,
        value: float,
        seed: int,
        bar: str,
        reached: Callable[[float], bool],
        combine: Callable[[Sequence[float]], float] = np.mean,
        least: int = 1,
    ) -> None:
        """One seed's value of a figure whose bar is on all seeds together.

        Args:
            name, value, seed, bar: as in `figure`. reached: of what `combine` makes of the values of all seeds, by default their mean.
            least: seeds without which `close` reports the figure, but does not judge it.
        """
        self.figure(name, value, seed=seed)
        self.together[name] = Together(bar, reached, combine, least)
        self.values.setdefault(name, {})[seed] = value

    def close(self):
        for name, (bar, reached, combine, least) in self.together.items():
            values = self.values[name]
            value = float(combine(list(values.values())))
            ok = bool(reached(value)) if len(values) >= least else None
            if ok is False and not self.smoke:
                self.missed.append(name)
            bar = f"{bar}, {least} seeds or more" if least > 1 else bar
            line = {"proof": self.proof, "figure": f"{name}, all seeds", "value": value, "bar": bar, "ok": ok, "seeds": [*values]}
            print(json.dumps({**line, "smoke": self.smoke}), flush=True)
        print(f"{self.proof}: {time.time() - self.start:.0f} s, missed: {self.missed or 'none'}", file=sys.stderr)
        sys.exit(1 if self.missed else 0)


@keras.saving.register_keras_serializable("proofs")
class Shift(keras.layers.Layer):
    """A generator that scales its noise and adds a constant."""

    def __init__(self, by, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(scale), name="scale")

    def call(self, z):
        return self.scale * z + ops.convert_to_tensor(self.by, dtype=z.dtype)

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable("proofs")
class Segment(keras.layers.Layer):
    """The generator of Example 1 of 1701.07875: z -> (theta, z)."""

    def __init__(self, theta, **kwargs):
        super().__init__(**kwargs)
        self.theta = self.add_weight(shape=(1,), initializer=keras.initializers.Constant(theta), name="theta")

    def call(self, z):
        return ops.concatenate([ops.zeros_like(z) + self.theta, z], axis=-1)

    def compute_output_shape(self, shape):
        return (shape[0], 2)


def generator_of(layer, size):
    """A generator of one layer."""
    z = keras.Input((size,))
    return keras.Model(z, layer(z), name="generator")


def segment(count, seed):
    """Real examples of Example 1: (0, U[0, 1])."""
    y = np.random.default_rng(seed).uniform(size=(count, 1))
    return np.concatenate([np.zeros_like(y), y], axis=1).astype("float32")


def adam(discriminator, generator=None, beta_1=0.5, beta_2=0.999):
    """Optimizers by rate; a generator of rate None stays as it is."""
    still = keras.optimizers.SGD(0.0) if generator is None else keras.optimizers.Adam(generator, beta_1, beta_2)
    return {"discriminator": keras.optimizers.Adam(discriminator, beta_1, beta_2), "generator": still}


def digit_figures(images):
    """Distance and score of generated digits, in [-1, 1], against the held-out half."""
    real, _ = kgan.datasets.arrays("digits", "test")
    named = kgan.metrics.digit_report(real, images)
    return {name.split("[")[0]: value for name, value in named.items()}


def mnist_figures(samples):
    """Of samples of MNIST's digits, in [-1, 1]: distance from the 1,000 held out, class score, classes with a share of a hundredth; and
    the shares of all ten. The judge is the one that comes with kgan: real digits that were trained on lie at 2.5, uniform noise at 886.
    """
    judge = kgan.metrics.MNISTClassifier()
    held_out, _ = kgan.datasets.arrays("mnist", "test")
    features = judge.features(samples.reshape(-1, *held_out.shape[1:]))
    probabilities = ops.convert_to_numpy(judge.classify(features))
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(samples)
    found = {
        "distance": float(kgan.metrics.frechet_distance(judge.features(held_out), features)),
        "score": float(kgan.metrics.class_score(probabilities)[0]),
        "classes": int((shares >= 0.01).sum()),
    }
    return found, shares


@contextlib.contextmanager
def float64():
    """Layers and constants in double precision, for comparisons with finite differences."""
    try:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def sign_test(differences: Sequence[float]) -> float:
    """How likely as many positive differences, or more, were if either sign were as likely; differences of 0 count for neither."""
    signs = [d > 0 for d in differences if d]
    return sum(math.comb(len(signs), k) for k in range(sum(signs), len(signs) + 1)) / 2 ** len(signs)


class Trace(keras.callbacks.Callback):
    """Keeps a number of every round."""

    def __init__(self, read):
        super().__init__()
        self.read, self.values = read, []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(self.read())


Part = Callable[[Report, int, int], None]


def run(proof: str, description: str, parts: Mapping[str, tuple[Part, int]], asked_for: Sequence[str] = ()) -> None:
    """The command line of a proof: `parts` maps a name to `(function(report, seed, steps), steps)`; long ones only where asked for."""
    args = arguments(description)
    report = Report(proof, args.smoke)
    for seed in args.seeds:
        for part in args.parts or [part for part in parts if part not in asked_for]:
            function, steps = parts[part]
            steps = args.steps or steps
            keras.utils.set_random_seed(seed)
            function(report, seed, min(steps, 30) if args.smoke else steps)
    report.close()
