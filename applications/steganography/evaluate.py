"""What a trained hider is worth: bits that come back from PNG files, distortion, and how well detectors find it.

All beside LSB replacement, LSB matching and an adaptive embedder (HILL) at the same payload, on photos that neither the hider nor the
detectors were trained on:

    python applications/steganography/evaluate.py runs/steganography
    python applications/steganography/evaluate.py stego-small --output runs/stego-small
"""

import json
from pathlib import Path
from typing import Annotated

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer
from cover_sources import photos_of

from kgan import pictures, runs
from kgan.files import write_json

_CLASSICAL = ("rs_analysis", "sample_pairs", "weighted_stego", "chi_square")
_AMPLIFIED = 30.0


def floats(pixels):
    return pixels.astype("float32") / 127.5 - 1.0


def load(model):
    """A model from the folder of a run, a .keras file, the folder of a preset, or the name of one."""
    trained = kgan.presets.load(model) if _is_preset(model) else runs.load(model)
    if not isinstance(trained, kgan.SteganographyGAN):
        raise ValueError(f"{model!r} holds a {type(trained).__name__}, not a SteganographyGAN. Train one with train.py.")
    return trained


def _is_preset(model):
    return model in kgan.presets.names() or (Path(model) / "SHA256SUMS").is_file()


class Embedder:
    """Hides random bits in whole photos: at once where the networks take any size, else tile by tile; the rest at the border stays."""

    def __init__(self, model, seed):
        self.model, self.rng = model, np.random.default_rng(seed)
        self.grid = model.block if model.residual else model.image_shape[0]

    def _tiles(self, photo):
        """The part of a photo that is used, as images that the networks take, and how to put them together again."""
        height, width, channels = (n // self.grid * self.grid if k < 2 else n for k, n in enumerate(photo.shape))
        used = photo[:height, :width]
        if self.model.residual:
            return used[None], lambda tiles: tiles[0]
        n, rows, columns = self.grid, height // self.grid, width // self.grid
        tiles = used.reshape(rows, n, columns, n, channels).swapaxes(1, 2).reshape(-1, n, n, channels)
        return tiles, lambda t: t.reshape(rows, columns, n, n, channels).swapaxes(1, 2).reshape(height, width, channels)

    def payload(self, photo):
        """Bits a value."""
        tiles, _ = self._tiles(photo)
        return len(tiles) * self.model.capacity(*tiles.shape[1:3]) / photo.size

    def hide(self, photo):
        """`(stego, bits)`: uint8 like the photo, and what was hidden."""
        tiles, together = self._tiles(photo)
        bits = self.rng.integers(0, 2, (len(tiles), self.model.capacity(*tiles.shape[1:3])))
        changed = together(kgan.datasets.to_uint8(self.model.hide(floats(tiles), bits)))
        stego = photo.copy()
        stego[: changed.shape[0], : changed.shape[1]] = changed
        return stego, bits

    def reveal(self, photo):
        tiles, _ = self._tiles(photo)
        return self.model.reveal(floats(tiles))


def from_file(path):
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def write(path, photo):
    pictures.save_image(path, photo[..., 0] if photo.shape[-1] == 1 else photo)


def others(photo, payload, seed):
    """The same photo by the embedders to compare with."""
    from kgan.stego import baselines

    return {
        "LSB replacement": baselines.lsb_replacement(photo, payload, seed),
        "LSB matching": baselines.lsb_matching(photo, payload, seed),
        "HILL (adaptive)": baselines.adaptive(photo, payload, "hill", seed),
    }


def cut(photos, size, limit, seed=0):
    """Tiles of photos, as many of each, in one order for all embedders: uint8 array."""
    parts = []
    for photo in photos.values():
        tiles = kgan.datasets.covers.cut(photo, size, size)
        parts.append(tiles[np.random.default_rng(seed).permutation(len(tiles))[:limit]])
    return np.concatenate(parts)


def main(
    model: Annotated[str, typer.Argument(help="folder of a run, .keras file, or a preset: its name or folder")],
    output: Annotated[str, typer.Option(help="folder for files and figures; default: `evaluation` in that of the run")] = "",
    data: Annotated[str, typer.Option(help="photo_patches, bossbase:FOLDER (the odd half) or folder:FOLDER")] = "photo_patches",
    limit: Annotated[int, typer.Option(min=2, help="photos at most, for detectors and for judging them together")] = 200,
    tile: Annotated[int, typer.Option(min=16, help="pixels of the tiles that the trained detectors see")] = 64,
    tiles: Annotated[int, typer.Option(min=1, help="tiles of each photo")] = 150,
    steps: Annotated[int, typer.Option(min=1, help="minibatches that a detector is trained for")] = 800,
    seed: Annotated[int, typer.Option(help="of messages and detectors")] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="a few steps, to see that everything runs")] = False,
):
    """Print the table; write it to metrics.json, the pictures to evaluation.png and detection.png, stego photos as PNG."""
    runs.guarded(lambda: _evaluate(model, output, data, limit, tile, tiles, 3 if smoke else steps, seed))


def _evaluate(model, output, data, limit, tile, tiles, steps, seed):
    trained = load(model)
    if not output and _is_preset(model):
        raise ValueError("Give --output, a folder for the files of the evaluation of a preset.")
    folder = Path(output) if output else (Path(model) if Path(model).is_dir() else Path(model).parent) / "evaluation"
    fitted, judged = photos_of(data, trained.image_shape[-1], limit)
    folder.mkdir(parents=True, exist_ok=True)
    embedder, sets = Embedder(trained, seed), {}
    figures = {"payload": float(np.mean([embedder.payload(photo) for photo in judged.values()])), "photos": len(judged)}
    rates, distortion, likeness, wrong = [], [], [], 0
    for part, photos in (("fitted", fitted), ("judged", judged)):
        for index, (name, photo) in enumerate(photos.items()):
            stego, bits = embedder.hide(photo)
            made = {"this model": stego, **others(photo, embedder.payload(photo), seed + index)}
            for method, image in made.items():
                sets.setdefault(method, {"fitted": {}, "judged": {}})[part][name] = image
            if part == "judged":
                write(folder / f"stego-{name}.png", stego)
                errors = int((embedder.reveal(from_file(folder / f"stego-{name}.png")) != bits).sum())
                wrong += errors
                rates.append(errors / bits.size)
                pair = floats(photo[None]), floats(stego[None])
                distortion.append(float(kgan.metrics.psnr(*pair)[0]))
                likeness.append(float(kgan.metrics.ssim(*pair)[0]))
    figures |= {
        "bit_error_rate": float(np.mean(rates)),
        "bit_error_rate_worst_photo": float(np.max(rates)),
        "wrong_bits": wrong,
        "psnr": float(np.mean(distortion)),
        "psnr_lowest": float(np.min(distortion)),
        "ssim": float(np.mean(likeness)),
    }
    covers = {part: floats(cut(photos, tile, tiles)) for part, photos in (("fitted", fitted), ("judged", judged))}
    scores, table = {}, {}
    for method, parts in sets.items():
        stego = {part: floats(cut(photos, tile, tiles)) for part, photos in parts.items()}
        keras.utils.set_random_seed(seed)
        found = kgan.stego.steganalyzer(covers["fitted"], stego["fitted"], steps=steps, batch_size=16, seed=seed)
        accuracy, interval = found.accuracy(covers["judged"], stego["judged"])
        scores[method] = found.scores(covers["judged"]), found.scores(stego["judged"])
        row = {"trained CNN": accuracy, "trained CNN, interval": interval}
        changes = [parts["judged"][name].astype(int) - photo for name, photo in judged.items()]
        row["psnr"] = float(np.mean([10 * np.log10(255**2 / max(np.mean(c**2), 1e-12)) for c in changes]))
        if method == "this model" and (trained.residual or tile == trained.image_shape[0]):
            row["Eve of the game"] = trained.eve_accuracy(covers["judged"], stego["judged"])
            # Who has the weights needs no detector: Bob is surer of bits that somebody put there.
            sure = [np.abs(trained.reveal(images, scores=True)).mean(axis=1) for images in (covers["judged"], stego["judged"])]
            row["Bob's sureness"] = kgan.stego.detection(*sure, seed=seed).accuracy
        for name in _CLASSICAL:
            # They count values: larger pieces than tiles tell them more.
            of = [
                np.asarray([getattr(kgan.stego, name)(piece) for piece in _pieces(photos)])
                for photos in (judged, parts["judged"])
            ]
            if len(of[0]) >= 4:
                detection = kgan.stego.detection(*of, seed=seed)
                row[name] = detection.accuracy
                row[f"{name}, interval"] = (detection.low, detection.high)
        table[method] = row
        print(f"{method}: a CNN of its own is right {accuracy:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]", flush=True)
    figures["detection"] = table
    figures["tiles_judged"] = len(covers["judged"])
    write_json(folder / "metrics.json", figures)
    _draw(
        folder,
        judged,
        sets["this model"]["judged"],
        scores,
        f"{figures['payload']:.3g} bits a value, PSNR {figures['psnr']:.1f} dB",
    )
    _report(figures, folder)


def _pieces(photos, size=128):
    return [piece for photo in photos.values() for piece in kgan.datasets.covers.cut(photo, min(size, *photo.shape[:2]), size)]


def _draw(folder, judged, stego, scores, title):
    """Corners of covers, of stego photos and their difference; ROC curves of the trained detectors."""
    names, side = list(judged)[:6], 128
    side = min(side, *(n for name in names for n in judged[name].shape[:2]))
    covers, made = (floats(np.stack([photos[name][:side, :side] for name in names])) for photos in (judged, stego))
    rows = {"cover": covers, "stego": made, f"change × {_AMPLIFIED:g}": _AMPLIFIED * (made - covers)}
    pictures.save_rows(folder / "evaluation.png", rows, title, names, scale=1, clip=True)
    drawn, axes = pictures.figure(5.0, 5.0)
    axis = axes[0, 0]
    for method, (cover, hidden) in scores.items():
        cuts = np.sort(np.concatenate([cover, hidden]))[::-1]
        axis.plot([(cover >= t).mean() for t in cuts], [(hidden >= t).mean() for t in cuts], label=method)
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axis.set_xlabel("covers taken for stego images")
    axis.set_ylabel("stego images found")
    pictures.title_figure(drawn, f"A detector for each method, {title}", size=10)
    axis.legend(loc="lower right", fontsize="small")
    pictures.save_figure(folder / "detection.png", drawn)


def _report(figures, folder):
    flat = {k: v for k, v in figures.items() if k != "detection"}
    print(json.dumps(flat, indent=1))
    columns = ["psnr", "trained CNN", "Eve of the game", "Bob's sureness", *_CLASSICAL]
    print("detectors' accuracy (0.5: chance)".ljust(36) + "".join(f"{name:>17}" for name in columns))
    for method, row in figures["detection"].items():
        cells = [f"{row[c]:17.3f}" if c in row else " " * 16 + "-" for c in columns]
        print(method.ljust(36) + "".join(cells))
    print(f"figures in {folder / 'metrics.json'}, pictures in {folder / 'evaluation.png'} and {folder / 'detection.png'}")


if __name__ == "__main__":
    typer.run(main)
