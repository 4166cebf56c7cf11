"""Contenders on Keras: kgan, a naive `train_step` as keras.io's examples have it, and the bare passes that give the ceiling."""

import math
import sys

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.peers import systems
from benchmarks.peers.systems import BATCH_NORM_EPSILON, GRADIENT_PENALTY
from kgan.networks import dcgan, sn_cnn, volumetric


def networks(system, normalizer=kgan.layers.SpectralNormalization):
    """Generator and discriminator of a system; `normalizer` is the class of spectral normalization."""
    shape, filters, latent = system.shape, system.filters, system.latent
    if system.kind == "sngan":
        wrap = lambda layer: normalizer(layer, name=f"{layer.name}_sn")  # noqa: E731
        return sn_cnn.generator(shape, latent, filters / 64), sn_cnn.discriminator(shape, filters / 64, normalizer=wrap)
    if system.kind == "threed":
        return volumetric.generator(shape, latent, filters), volumetric.discriminator(shape, filters)
    common = {"variant": "torch", "epsilon": BATCH_NORM_EPSILON}
    return dcgan.generator(shape, latent, filters, **common), dcgan.discriminator(
        shape, filters, batch_norm=system.kind == "dcgan", **common
    )


def adam(system):
    rate, beta_1, beta_2 = system.adam
    return keras.optimizers.Adam(rate, beta_1, beta_2, 1e-8)


def data(system, rounds):
    """Examples for some rounds, drawn once."""
    count = rounds * system.steps * system.batch
    return np.random.default_rng(0).uniform(0, 1, (count, *system.shape)).astype("float32")


def fitting(model, system):
    """`play` by `fit`, the way both libraries are used. The data exist before the clock starts."""
    pool = data(system, 1)

    def play(rounds):
        x = np.broadcast_to(pool, (rounds, *pool.shape)).reshape(-1, *pool.shape[1:]) if rounds > 1 else pool
        model.fit(x, batch_size=system.batch * getattr(model, "minibatches", 1), verbose=0)

    return play


def model_of_kgan(system):
    generator, discriminator = networks(system)
    arguments = {"generator": generator, "discriminator": discriminator, "seed": 0}
    if system.kind == "dcgan":
        model = kgan.DCGAN(system.shape, latent_size=system.latent, **arguments)
    elif system.kind == "sngan":
        model = kgan.SNGAN(system.shape, discriminator_steps=system.steps, joint_batch=True, **arguments)
    elif system.kind == "wgan_gp":
        model = kgan.WGANGP(discriminator_steps=system.steps, penalty_weight=GRADIENT_PENALTY, **arguments)
    else:
        model = kgan.ThreeDGAN(accuracy_gate=1.0, **arguments)  # moves in every round, like the others
    model.compile({"discriminator": adam(system), "generator": adam(system)})
    return model


# keras.io ------------------------------------------------------------------------------------------------------------------


class Naive(keras.Model):
    """The two-player examples of keras.io: a `train_step` on TensorFlow, two tapes, two optimizers, two metrics.

    Its WGAN-GP example repeats one minibatch for all critic steps; here each step sees its own, as everywhere.
    """

    def __init__(self, system):
        super().__init__()
        self.generator, self.discriminator = networks(system, layers.SpectralNormalization)
        self.kind, self.minibatches, self.latent = system.kind, system.steps, system.latent
        self.d_metric, self.g_metric = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")
        self.d_optimizer, self.g_optimizer = adam(system), adam(system)
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.compile()

    @property
    def metrics(self):
        return [self.d_metric, self.g_metric]

    def discriminator_loss(self, real, fake):
        if self.kind in ("dcgan", "threed"):  # batch norm in the discriminator: separate batches
            logits = ops.concatenate([self.discriminator(fake, training=True), self.discriminator(real, training=True)])
            return self.cross_entropy(
                ops.concatenate([ops.zeros_like(fake[:, :1, 0, 0]), ops.ones_like(real[:, :1, 0, 0])]), logits
            )
        fake_logits, real_logits = self.discriminator(fake, training=True), self.discriminator(real, training=True)
        if self.kind == "sngan":
            return ops.mean(ops.relu(1 - real_logits)) + ops.mean(ops.relu(1 + fake_logits))
        return ops.mean(fake_logits) - ops.mean(real_logits) + GRADIENT_PENALTY * self.gradient_penalty(real, fake)

    def gradient_penalty(self, real, fake):
        import tensorflow as tf

        points = real + tf.random.uniform((tf.shape(real)[0], 1, 1, 1)) * (fake - real)
        with tf.GradientTape() as tape:
            tape.watch(points)
            logits = self.discriminator(points, training=True)
        norm = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(logits, points)), axis=[1, 2, 3]))
        return tf.reduce_mean((norm - 1.0) ** 2)

    def train_step(self, real_images):
        import tensorflow as tf

        batch = tf.shape(real_images)[0] // self.minibatches
        for real in tf.split(real_images, self.minibatches):
            noise = tf.random.normal((batch, self.latent))
            with tf.GradientTape() as tape:
                d_loss = self.discriminator_loss(real, self.generator(noise, training=True))
            gradients = tape.gradient(d_loss, self.discriminator.trainable_variables)
            self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables, strict=True))
        noise = tf.random.normal((batch, self.latent))
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(noise, training=True), training=True)
            hinged = self.kind in ("sngan", "wgan_gp")
            g_loss = -tf.reduce_mean(logits) if hinged else self.cross_entropy(tf.ones_like(logits), logits)
        gradients = tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables, strict=True))
        self.d_metric.update_state(d_loss)
        self.g_metric.update_state(g_loss)
        return {"d_loss": self.d_metric.result(), "g_loss": self.g_metric.result()}


# The ceiling ---------------------------------------------------------------------------------------------------------------


def bare(system):
    """The passes that the update rule needs at least, compiled, and nothing else: no optimizer, no normalized kernels, no logs."""
    generator, discriminator = networks(system, normalizer=lambda layer, name: layer)
    joint = system.kind in ("sngan", "wgan_gp")
    noise = np.random.default_rng(0).normal(size=(system.batch, system.latent)).astype("float32")
    real, noise = ops.convert_to_tensor(data(system._replace(steps=1), 1)), ops.convert_to_tensor(noise)

    def gap(score, real, fake):
        if joint:
            logits = score(ops.concatenate([real, fake]))
            return ops.mean(logits[: system.batch]) - ops.mean(logits[system.batch :])
        return ops.mean(score(real)) - ops.mean(score(fake))

    if keras.backend.backend() == "tensorflow":
        critic, creator = _bare_tensorflow(system, generator, discriminator, gap)
        wait = lambda gradients: gradients[-1].numpy()  # noqa: E731
    else:
        critic, creator = _bare_jax(system, generator, discriminator, gap)
        wait = lambda gradients: gradients[-1].block_until_ready()  # noqa: E731

    def play(rounds):
        for _ in range(rounds):
            for _ in range(system.steps):
                wait(critic(real, noise))
            wait(creator(noise))

    return play, generator, discriminator


def _bare_tensorflow(system, generator, discriminator, gap):
    import tensorflow as tf

    @tf.function
    def critic(real, noise):
        fake = generator(noise, training=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in discriminator.trainable_variables])
            loss = gap(lambda x: discriminator(x, training=True), real, fake)
            if system.kind == "wgan_gp":
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch(fake)
                    total = tf.reduce_sum(discriminator(fake, training=True))
                loss += tf.reduce_mean(tf.square(inner.gradient(total, fake)))
        return tape.gradient(loss, [v.value for v in discriminator.trainable_variables])

    @tf.function
    def creator(noise):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in generator.trainable_variables])
            loss = tf.reduce_mean(discriminator(generator(noise, training=True), training=True))
        return tape.gradient(loss, [v.value for v in generator.trainable_variables])

    return critic, creator


def _bare_jax(system, generator, discriminator, gap):
    import jax

    states = {
        n: ([v.value for v in n.trainable_variables], [v.value for v in n.non_trainable_variables])
        for n in (generator, discriminator)
    }
    (g_weights, g_state), (d_weights, d_state) = states[generator], states[discriminator]
    make = lambda weights, noise: generator.stateless_call(weights, g_state, noise, training=True)[0]  # noqa: E731
    score = lambda weights, x: discriminator.stateless_call(weights, d_state, x, training=True)[0]  # noqa: E731

    def critic_loss(weights, real, fake):
        loss = gap(lambda x: score(weights, x), real, fake)
        if system.kind == "wgan_gp":
            loss += ops.mean(ops.square(jax.grad(lambda x: ops.sum(score(weights, x)))(fake)))
        return loss

    critic = jax.jit(lambda w, g, real, noise: jax.grad(critic_loss)(w, real, make(g, noise)))
    creator = jax.jit(lambda g, w, noise: jax.grad(lambda g: ops.mean(score(w, make(g, noise))))(g))
    return lambda real, noise: critic(d_weights, g_weights, real, noise), lambda noise: creator(g_weights, d_weights, noise)


def multiplications(network):
    """Floating-point operations of one example's forward pass, and of the first linear layer alone: two per weight and use."""
    counts = []
    for layer in network.layers:
        inner = getattr(layer, "layer", layer)
        if not hasattr(inner, "kernel"):
            continue
        # A kernel is used at every position of the output; a transposed one at every position of the input.
        transposed = isinstance(inner, (layers.Conv2DTranspose, layers.Conv3DTranspose))
        positions = (layer.input if transposed else layer.output).shape[1:-1]
        counts.append(2 * math.prod(inner.kernel.shape) * math.prod(positions))
    return sum(counts), counts[0]


def operations(system, generator, discriminator):
    """Floating-point operations that one round needs in linear layers.

    A gradient costs a forward pass for the weights and another for the input, which the first layer's needs not. The gradient penalty
    takes a forward pass, one to the input, and two more back through that one.
    """
    (make, make_first), (score, score_first) = multiplications(generator), multiplications(discriminator)
    critic = make + 2 * (3 * score - score_first) + (4 * score if system.kind == "wgan_gp" else 0)
    return system.batch * (system.steps * critic + 3 * make - make_first + 2 * score)


def parameters(network):
    return sum(math.prod(v.shape) for v in network.trainable_variables)


def build(contender, system):
    if contender == "kgan-bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    if contender == "bare":
        play, generator, discriminator = bare(system)
    else:
        model = Naive(system) if contender == "naive" else model_of_kgan(system)
        play, generator, discriminator = fitting(model, system), model.generator, model.discriminator
    return play, {
        "parameters": [parameters(generator), parameters(discriminator)],
        "operations": operations(system, generator, discriminator),
    }


if __name__ == "__main__":
    systems.serve(build, sys.argv[1:])
