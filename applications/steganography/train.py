"""Train Alice, Bob and Eve: messages hidden in images (Hayes and Danezis 2017, 1703.00371).

The defaults train this project's residual networks on gray photos that come with scikit-image, on two CPU cores; --paper takes the paper's
networks. The authors' CelebA setting, 100 bits in 32x32x3:

    python applications/steganography/train.py --paper --data celeba:CelebA --image-size 32 --bits 100 --batch-size 32 \
        --rounds 6000 --epochs 500 --rate 2e-4 --output runs/steganography-celeba
"""

from dataclasses import replace
from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer
from cover_sources import channels_of, tiles_of

from kgan import pictures, runs

_SHOWN = 8
_AMPLIFIED = 30.0


def figures_of(model, covers, seed):
    """What a held-out set says of a model: bits and distortion after rounding to 8 bits, the Eve of the game."""
    bits = np.random.default_rng(seed).integers(0, 2, (len(covers), model.message_length))
    stego = model.hide(covers, bits)
    psnr = kgan.metrics.psnr(covers, stego)
    figures = {
        "bit_accuracy": float((model.reveal(stego) == bits).mean()),
        "bits_per_value": model.message_length / float(np.prod(model.image_shape)),
        "psnr": float(psnr[np.isfinite(psnr)].mean()) if np.isfinite(psnr).any() else float("inf"),
        "eve_accuracy": model.eve_accuracy(covers, stego),
    }
    return {**figures, "ssim": float(kgan.metrics.ssim(covers, stego).mean())} if model.image_shape[0] >= 11 else figures


def draw(path, model, covers, title="", seed=0):
    """Covers, stego images, and their difference thirty-fold, in three rows."""
    covers = covers[:_SHOWN]
    stego = model.hide(covers, np.random.default_rng(seed).integers(0, 2, (len(covers), model.message_length)))
    rows = {"cover": covers, "stego": stego, f"change × {_AMPLIFIED:g}": _AMPLIFIED * (stego - covers)}
    pictures.save_rows(path, rows, title, scale=max(1, 96 // covers.shape[1]), clip=True)


@runs.options(
    without=("average", "cache", "extractor", "held_out", "keep", "passes", "resize", "strategy"),
    renamed={"data": "dataset"},
    outside=("preset",),
    output="runs/steganography",
    epochs=2,
    checkpoint_every=1,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    data: Annotated[str, typer.Option(help="photo_patches, bossbase:FOLDER, celeba:FOLDER or folder:FOLDER")] = "photo_patches",
    residual: Annotated[bool, typer.Option("--residual/--paper", help="bounded changes, or the paper's networks")] = True,
    image_size: Annotated[int | None, typer.Option(min=8, help="pixels of a tile; default 32, with --paper 16")] = None,
    channels: Annotated[int | None, typer.Option(help="1 or 3; default 3 for celeba: and folder:, else 1")] = None,
    bits: Annotated[
        int | None, typer.Option(min=1, help="a block's, default 2; with --paper a tile's, default 0.1 a value")
    ] = None,
    block: Annotated[int, typer.Option(min=2, help="pixels of a block's side, without --paper")] = 4,
    amplitude: Annotated[float, typer.Option(min=0.1, max=100, help="largest change in gray levels, without --paper")] = 4.0,
    image_weight: Annotated[float | None, typer.Option(min=0, help="of the distortion; default 300, with --paper 0.3")] = None,
    message_weight: Annotated[float, typer.Option(min=0, help="of Bob's errors")] = 0.6,
    eve_weight: Annotated[float, typer.Option(min=0, help="of Eve's verdict; 0: Alice does not mind her")] = 0.1,
    rate: Annotated[float | None, typer.Option(min=1e-6, help="Alice and Bob's; default 2e-3, with --paper 1e-3")] = None,
    eve_rate: Annotated[float | None, typer.Option(min=1e-6, help="default 1e-3, with --paper 2e-4")] = None,
    variants: Annotated[bool, typer.Option(help="change contrast and brightness of six tenths of the tiles")] = True,
    tiles: Annotated[int, typer.Option(min=1, help="tiles of each photo of bossbase: and folder:")] = 16,
    limit: Annotated[int | None, typer.Option(min=1, help="take only as many photos")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="tiles of one move; default 32, with --paper 64")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="minibatches of an epoch, of different tiles")] = 1000,
    preset: Annotated[str, typer.Option(help="also write the trained model to this folder, for `kgan stego --model`")] = "",
):
    """Train the three players and write pictures, figures on held-out covers, checkpoints and the model to a folder."""
    size, batch_size = image_size or (32 if residual else 16), batch_size or (32 if residual else 64)
    channels, seed = channels or channels_of(data), settings.seed
    settings = replace(settings, image_size=size, batch_size=batch_size)
    held_out, models = [], []

    def load():
        pixels, aside = tiles_of(data, size, channels, tiles, limit, seed)
        held_out[:] = [aside.astype("float32") / 127.5 - 1.0]
        count = rounds * batch_size if not settings.smoke else 4 * batch_size
        if residual and variants:
            pixels = kgan.datasets.cover_variants(pixels, count, seed)
        else:
            order = [np.random.default_rng((seed, k)).permutation(len(pixels)) for k in range(-(-count // len(pixels)))]
            pixels = pixels[np.concatenate(order)[:count]]
        return pixels.astype("float32") / 127.5 - 1.0, pixels.shape[1:]

    def build(shape):
        if residual:
            own = {"block": block, "bits_per_block": bits or 2, "amplitude": amplitude / 127.5}
        else:
            own = {"message_length": bits or max(1, int(np.prod(shape)) // 10)}
        weights = {"image_weight": image_weight, "message_weight": message_weight, "eve_weight": eve_weight}
        models[:] = [kgan.SteganographyGAN(shape, residual=residual, seed=seed, **own, **weights)]
        # The fall of the rate is what takes the last errors away.
        fall = keras.optimizers.schedules.CosineDecay(rate or (2e-3 if residual else 1e-3), settings.epochs * rounds)
        optimizers = {
            "alice_bob": keras.optimizers.Adam(fall if residual else rate or 1e-3),
            "eve": keras.optimizers.Adam(eve_rate or (1e-3 if residual else 2e-4)),
        }
        models[0].compile(optimizers=optimizers, steps_per_execution=1 if settings.smoke else min(50, rounds))
        return models[0]

    def measure(model, _):
        return figures_of(model, held_out[0], seed)

    def work():
        runs.train(build, settings, about, load, measure, lambda path, _, title: draw(path, models[0], held_out[0], title))
        if preset:
            print(f"preset in {preset}, fingerprint {models[0].save_to_preset(preset)}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
