"""What a folder of pictures costs a training: how much of a DCGAN's time goes by waiting for data.

Makes a folder of JPEGs (or takes yours), and trains a DCGAN for a few rounds from each place where decoded pictures may be kept; every
place in a process of its own, so that none finds warm what another read.

    python -m benchmarks.loading --count 2000 --pixels 256 --rounds 30

Prints for each cache: seconds until the first minibatch is there (all pictures are opened), milliseconds of processor time for a picture,
seconds a round, and the share of the rounds' time in which the training waited for a minibatch.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CACHES = ("arrays", "memory", "file", "none")


def make_folder(folder, count, pixels):
    """JPEGs cut at random out of scikit-image's photos, all different."""
    import skimage.data
    from PIL import Image

    photos = [getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    rng = np.random.default_rng(0)
    for index in range(count):
        photo = Image.fromarray(photos[index % len(photos)])
        side = int(rng.integers(100, 300))
        left, top = (int(rng.integers(0, n - side + 1)) for n in photo.size)
        piece = photo.resize((pixels, pixels), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        piece.save(folder / f"{index:05}.jpg", quality=90)


def measure(folder, cache, size, filters, batch, rounds, kept):
    """One place: dict of its figures."""
    import keras

    import kgan

    keras.utils.set_random_seed(0)
    began = time.perf_counter()
    name = f"folder:{folder}"
    if cache == "arrays":
        dataset = kgan.datasets.from_arrays(kgan.datasets.arrays(name, "train", size)[0], batch)
    else:
        dataset = kgan.datasets.load(name, "train", batch, size, cache=kept if cache == "file" else cache)
    endless = dataset.repeat()
    alone = iter(endless)
    next(alone)
    ready = time.perf_counter() - began
    # On processors that others use as well, time of ours is what tells.
    began = time.process_time()
    for _ in range(rounds):
        next(alone)
    picture = (time.process_time() - began) / (batch * rounds)
    del alone
    model = kgan.DCGAN((size, size, 3), filters=filters, seed=0)
    model.compile()
    data = iter(endless.rebatch(batch * model.minibatches_per_round))
    for _ in range(3):  # traces, and fills the queues
        model.train_on_batch(next(data))
    waited, began = 0.0, time.perf_counter()
    for _ in range(rounds):
        asked = time.perf_counter()
        examples = next(data)
        waited += time.perf_counter() - asked
        model.train_on_batch(examples)
    whole = time.perf_counter() - began
    return {"cache": cache, "ready": ready, "picture": picture, "round": whole / rounds, "waiting": waited / whole}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="your own pictures; default JPEGs made from scikit-image's")
    parser.add_argument("--count", type=int, default=2000, help="JPEGs to make")
    parser.add_argument("--pixels", type=int, default=256, help="their size")
    parser.add_argument("--size", type=int, default=64, help="pixels that the DCGAN sees")
    parser.add_argument("--filters", type=int, default=32, help="of the DCGAN; the paper's are 128")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    parser.add_argument("--kept", help=argparse.SUPPRESS)
    options = parser.parse_args()
    how = (options.size, options.filters, options.batch, options.rounds)
    if options.cache:
        print(json.dumps(measure(options.folder, options.cache, *how, options.kept)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder
        if folder is None:
            folder = Path(place) / "pictures"
            folder.mkdir()
            make_folder(folder, options.count, options.pixels)
        print("| cache | first minibatch after, s | ms/picture | s/round | waiting for data |")
        print("| --- | --- | --- | --- | --- |")
        for cache in CACHES:
            command = [sys.executable, "-m", "benchmarks.loading", *sys.argv[1:], "--cache", cache, "--kept", f"{place}/kept"]
            done = subprocess.run([*command, "--folder", str(folder)], capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            found = json.loads(done.stdout.splitlines()[-1])
            figures = f"{found['ready']:.1f} | {1e3 * found['picture']:.3f} | {found['round']:.3f} | {found['waiting']:.1%}"
            print(f"| {cache} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
