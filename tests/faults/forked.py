"""A training run in processes that start at once: this one has imported everything and forks for each line `folder epochs` it reads.

It answers with the number of the process, which trains from the newest checkpoint of the folder to its end and leaves `final.npz`; after
another line, with the status in which that process ended. Until then its number is nobody else's.
"""

import os
import sys

import keras
import numpy as np

import kgan
from kgan.callbacks import Checkpoint, restore
from kgan.files import atomic_write


def train(folder, epochs):
    keras.utils.set_random_seed(0)
    generator = kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True)
    discriminator = kgan.networks.mlp.discriminator((2,), (8,), normalizer=kgan.layers.SpectralNormalization)
    model = kgan.GAN((2,), generator=generator, discriminator=discriminator, seed=0)
    model.compile(averages={"generator": 0.9}, run_eagerly=True)  # starts at once
    data = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
    start = restore(model, folder)
    if start < epochs:
        watching = [Checkpoint(folder), keras.callbacks.CSVLogger(f"{folder}/history.csv", append=start > 0)]
        model.fit(data, batch_size=16, epochs=epochs, initial_epoch=start, verbose=0, callbacks=watching)
    state = [keras.ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]
    atomic_write(f"{folder}/final.npz", lambda temporary: np.savez(temporary, *state))


if __name__ == "__main__":
    for line in sys.stdin:
        folder, epochs = line.split()
        process = os.fork()
        if not process:
            train(folder, int(epochs))
            os._exit(0)
        print(process, flush=True)
        sys.stdin.readline()
        print(os.waitpid(process, 0)[1], flush=True)
