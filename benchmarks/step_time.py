"""Time of one round: kgan's engine against a loop written by hand for the same networks, in the same process.

The plain alternative is what a TensorFlow user writes: two tapes in one `tf.function`, five discriminator steps, one generator
step, `keras.layers.SpectralNormalization` in the discriminator. Prints one JSON line; the ratio is kgan's time over the plain one.
"""

import argparse
import json
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import kgan
from kgan.networks import sn_cnn

SHAPE, WIDTH, BATCH, STEPS, LATENT = (32, 32, 3), 0.25, 64, 5, 128


def engine_round(data):
    model = kgan.SNGAN(SHAPE, width=WIDTH, setting="A", seed=0)
    model.compile()
    model._prepare(data, STEPS)
    model.make_train_function()
    step = tf.function(model.train_step)
    return lambda: step(tf.constant(data))


def plain_round(data):
    generator = sn_cnn.generator(SHAPE, LATENT, WIDTH)
    normalizer = lambda layer: keras.layers.SpectralNormalization(layer, name=f"{layer.name}_sn")  # noqa: E731
    discriminator = sn_cnn.discriminator(SHAPE, WIDTH, normalizer=normalizer)
    optimizers = [keras.optimizers.Adam(1e-4, 0.5, 0.9) for _ in range(2)]
    for optimizer, network in zip(optimizers, (discriminator, generator), strict=True):
        optimizer.build(network.trainable_variables)

    @tf.function
    def step(batch):
        for real in tf.split(batch, STEPS):
            fake = generator(tf.random.normal((BATCH, LATENT)), training=True)
            with tf.GradientTape() as tape:
                real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
                loss = tf.reduce_mean(tf.nn.relu(1 - real_logits)) + tf.reduce_mean(tf.nn.relu(1 + fake_logits))
            gradients = tape.gradient(loss, discriminator.trainable_variables)
            optimizers[0].apply(gradients, discriminator.trainable_variables)
        with tf.GradientTape() as tape:
            fake = generator(tf.random.normal((BATCH, LATENT)), training=True)
            loss = -tf.reduce_mean(discriminator(fake, training=True))
        optimizers[1].apply(tape.gradient(loss, generator.trainable_variables), generator.trainable_variables)
        return loss

    return lambda: step(tf.constant(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    args = parser.parse_args()
    data = np.random.default_rng(0).uniform(-1, 1, (STEPS * BATCH, *SHAPE)).astype("float32")
    rounds = {"kgan": engine_round(data), "plain": plain_round(data)}
    first, times = {}, {name: [] for name in rounds}
    for name, play in rounds.items():
        start = time.perf_counter()
        play()
        first[name] = time.perf_counter() - start
        play()
    for _ in range(args.repetitions):  # alternating, so that a busy moment hits both
        for name, play in rounds.items():
            start = time.perf_counter()
            keras.ops.convert_to_numpy(keras.tree.flatten(play())[0])
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    line = {
        "benchmark": "step_time",
        "system": "SNGAN 32x32, n_dis 5, width 0.25",
        "seconds": medians,
        "first_step_seconds": first,
    }
    print(json.dumps({**line, "ratio": medians["kgan"] / medians["plain"]}))


if __name__ == "__main__":
    main()
