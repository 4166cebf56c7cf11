"""What a discriminator trained to its end would tell a generator: Arjovsky, Bottou, ICLR 2017, arXiv 1701.04862."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import COUNT, LEVEL, NETWORK, POSITIVE, SEED, require
from kgan.engine import Turn
from kgan.families.gan import GAN
from kgan.optimizers import level_at
from kgan.types import Array, Tensor


class GradientRecord(NamedTuple):
    """What was found after so many steps of a new discriminator, means over fixed minibatches.

    Attributes:
        step: steps of the discriminator.
        accuracy: share of real and generated examples on the right side, both halves equal.
        loss: `-E log D(x) - E log(1 - D(G(z)))`, 2 log 2 for a discriminator that knows nothing.
        saturating: norm over all weights of the generator of the gradient of `E log(1 - D(G(z)))`.
        saturating_spread: standard deviation of that norm over the minibatches.
        alternative, alternative_spread: the same for `-E log D(G(z))`.
        alternative_variance: variance over the minibatches of a coordinate of the alternative gradient, mean over coordinates.
    """

    step: int
    accuracy: float
    loss: float
    saturating: float
    saturating_spread: float
    alternative: float
    alternative_spread: float
    alternative_variance: float


class FrozenGenerator(GAN):
    """The discriminator's move of a GAN alone, against a generator in inference mode."""

    def __init__(self, discriminator: keras.Model, **kwargs: Any) -> None:
        # New weights, drawn from the seed, as all that a constructor draws.
        super().__init__(discriminator=keras.models.clone_model(discriminator), **kwargs)

    def turns(self) -> tuple[Turn, ...]:
        return super().turns()[:1]

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"discriminator": keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8)}

    def generated(self, count: Any, labels: Tensor = None) -> Tensor:
        return self.generator(self.generator_inputs(count, seed=self.seed_generator), training=False)


def generator_gradients(
    model: Any,
    data: Array,
    discriminator: keras.Model | None = None,
    *,
    steps: int = 4000,
    record_at: Sequence[int] | None = None,
    batch_size: int = 64,
    batches: int = 20,
    instance_noise: Any = 0.0,
    learning_rate: float = 2e-4,
    seed: int = 0,
) -> list[GradientRecord]:
    """Freeze a generator, train a discriminator against it from new, and record the gradients that the generator would get.

    The experiment of figures 2 and 3 of the paper, in three lessons: where real and generated examples hardly overlap, the discriminator
    becomes perfect; the gradient of the saturating loss then vanishes (its theorem 2.4), that of `-log D` grows and gets noisy (2.6). With
    `instance_noise` on both sides they overlap, and neither happens. Nothing of the model changes, nor of its state; the generator runs in
    inference mode throughout (batch norm with moving averages), with its present weights, not their averages.

    Args:
        model: a `kgan.GAN`, or another model with `generator`, `prior`, `latent_size` and a generator of latents alone.
        data: float array `(examples, ...)`, real examples.
        discriminator: a built network of one logit, of whose architecture a new one is trained; it stays as it is. Default:
            `model.discriminator`.
        steps: of the new discriminator, default 4000 (the paper's).
        record_at: steps after which to record, default about three a decade from 1 to `steps`.
        batch_size: default 64. batches: default 20: fixed minibatches over which figures are means.
        instance_noise: default 0: standard deviation of the noise on real and generated examples, a number or a schedule over the new
            discriminator's steps, as in `kgan.GAN`.
        learning_rate: default 2e-4, of Adam with beta_1 0.5 (DCGAN's).
        seed: default 0: of the order of the data and of all noise.

    Returns:
        A list of `GradientRecord`, in order of steps.

    Raises:
        ValueError, TypeError: for counts below 1, steps to record at beyond the last, noise that rises, data of another shape.

    Gradients are those of the logit l, `-softplus(l)` and `softplus(-l)`, so that no clipped probability makes a floor; beyond
    `l = -100` single precision has one.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GAN((2,), latent_size=2, seed=0)
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> records = kgan.diagnostics.generator_gradients(model, points, steps=3, record_at=[1, 3], batches=2)
    >>> [record.step for record in records]
    [1, 3]
    """
    require(COUNT, steps=steps, batch_size=batch_size, batches=batches)
    require(LEVEL, instance_noise=instance_noise)
    require(POSITIVE, learning_rate=learning_rate)
    require(SEED, seed=seed)
    if record_at is None:
        record_at = sorted({min(steps, round(10 ** (third / 3))) for third in range(3 * len(str(steps)) + 1)} | {steps})
    if not all(isinstance(step, int) and 1 <= step <= steps for step in record_at) or list(record_at) != sorted(set(record_at)):
        raise ValueError(f"`record_at` must hold rising steps from 1 to `steps`={steps}. Received: {list(record_at)!r}.")
    if discriminator is None:
        discriminator = model.discriminator
    require(NETWORK, discriminator=discriminator)
    frozen = FrozenGenerator(
        generator=model.generator,
        discriminator=discriminator,
        latent_size=model.latent_size,
        prior=model.prior,
        instance_noise=instance_noise,
        seed=seed,
    )
    frozen.compile(optimizers={"discriminator": keras.optimizers.Adam(learning_rate, beta_1=0.5, epsilon=1e-8)})
    rng = np.random.default_rng(seed)
    held = data[rng.integers(0, len(data), batch_size * batches)]
    latents = [model.prior((batch_size, model.latent_size), seed + index) for index in range(batches)]
    records, done = [], 0
    for step in record_at:
        order = rng.integers(0, len(data), batch_size * (step - done))
        frozen.fit(data[order], batch_size=batch_size, shuffle=False, verbose=0)
        done = step
        records.append(_record(frozen, step, np.split(held, batches), latents))
    return records


def _record(frozen: GAN, step: int, real: Sequence[Array], latents: Sequence[Tensor]) -> GradientRecord:
    level, variables = level_at(frozen.instance_noise, step), frozen.generator.trainable_variables

    def logits(inputs: Tensor, seed: int) -> Tensor:
        noise = level * keras.random.normal(ops.shape(inputs), seed=seed)
        return backend.full_precision(frozen.discriminator(inputs + noise, training=False))

    def gradient(z: Tensor, seed: int, sign: float) -> tuple[Array, Array]:
        """The logits of generated examples, and the gradient of `sign * softplus(sign * l)`, negated, as one vector."""

        def loss(tensors: list[Tensor]) -> tuple[Tensor, Tensor]:
            with backend.Overlay(zip(variables, tensors, strict=True)):
                fake = logits(frozen.generator(z, training=False), seed)
            return -sign * ops.mean(ops.softplus(sign * fake)), fake

        (_, fake), found = backend.value_and_gradients(loss, [backend.constant(v) for v in variables])
        vector = np.concatenate([ops.convert_to_numpy(g).astype("float64").ravel() for g in found])
        return ops.convert_to_numpy(fake).astype("float64"), vector

    rows, alternatives = [], []
    for index, (examples, z) in enumerate(zip(real, latents, strict=True)):
        fake, saturating = gradient(z, 2 * index, 1.0)
        _, alternative = gradient(z, 2 * index, -1.0)
        with backend.no_gradient():
            true = ops.convert_to_numpy(logits(ops.convert_to_tensor(examples), 2 * index + 1)).astype("float64")
        accuracy = 0.5 * float((true > 0).mean() + (fake <= 0).mean())
        loss = float(np.logaddexp(0.0, -true).mean() + np.logaddexp(0.0, fake).mean())
        rows.append([accuracy, loss, float(np.linalg.norm(saturating)), float(np.linalg.norm(alternative))])
        alternatives.append(alternative)
    means, spreads = (measure(np.array(rows), axis=0).tolist() for measure in (np.mean, np.std))
    variance = float(np.var(np.stack(alternatives), axis=0).mean())
    return GradientRecord(step, means[0], means[1], means[2], spreads[2], means[3], spreads[3], variance)
