"""Proof of the steganography tool: messages at capacity come back exactly from ten photos, and nothing forged is accepted."""

import collections
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import kgan
from benchmarks.proofs.harness import run
from kgan import stego
from kgan.stego import photos, tool
from kgan.stego.channel import channel_of
from kgan.stego.keys import secret_of

# Those that come inside scikit-image's package, gray and color.
PHOTOS = ("astronaut", "camera", "chelsea", "clock", "coffee", "coins", "moon", "page", "rocket", "text")
SMALLEST_PSNR = 35.0


def covers(folder):
    """The photos as PNG files."""
    from skimage import data

    for name in PHOTOS:
        Image.fromarray(getattr(data, name)()).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in PHOTOS}


def interval(successes, trials):
    return [round(end, 4) for end in kgan.stego.wilson_interval(successes, trials)]


def recovery(report, seed, steps):
    """Part A: `steps` random messages of exactly the stated capacity, each with a key of its own, through PNG files."""
    generator, found = np.random.default_rng(seed), collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        files = covers(Path(temporary))
        rooms = {name: stego.capacity(path) for name, path in files.items()}
        exact = 0
        for trial in range(steps):
            name = PHOTOS[trial % len(PHOTOS)]
            message, key, output = generator.bytes(rooms[name].bytes), generator.bytes(32), Path(temporary) / "out.png"
            try:
                done = stego.hide(files[name], message, output, key=key, overwrite=True)
                exact += stego.reveal(output, key=key).message == message
                found[name].append(done)
            except stego.StegoError as error:
                report.figure(f"A {name}: failed", str(error), seed=seed)
    for name, done in found.items():
        about = {
            "capacity in bytes": rooms[name].bytes,
            "bits per value": round(rooms[name].bits_per_pixel, 4),
            "misread bits": round(float(np.mean([d.bit_error_rate for d in done])), 5),
            "corrected bytes": round(float(np.mean([d.corrected_symbols for d in done])), 1),
            "PSNR": round(float(np.min([d.psnr for d in done])), 2),
            "SSIM": round(float(np.min([d.ssim for d in done])), 4),
            "orders tried": max(d.attempts for d in done),
        }
        report.figure(f"A {name}", about, seed=seed)
    report.figure(f"A messages recovered exactly of {steps}", exact, f"{steps}", exact == steps, seed)
    report.figure("A Wilson 95 % interval of that share", interval(exact, steps), seed=seed)
    worst = min((d.psnr for done in found.values() for d in done), default=0.0)
    report.figure("A smallest PSNR in dB", round(worst, 2), ">= 35", worst >= SMALLEST_PSNR, seed)


TAMPERING = ("noise", "half drawn over", "cropped", "shifted", "JPEG")


def tampered(pixels, kind, generator):
    """A picture changed beyond repair, in one of the ways of `TAMPERING`."""
    height, width = pixels.shape[:2]
    changed = pixels.astype("int16")
    if kind == 0:  # noise
        changed += generator.normal(scale=generator.uniform(6, 30), size=pixels.shape).round().astype("int16")
    elif kind == 1:  # half of it drawn over
        rows = generator.integers(0, height // 2)
        changed[rows : rows + height // 2] = generator.integers(0, 256, (height // 2, width, pixels.shape[2]))
    elif kind == 2:  # cropped
        changed = changed[generator.integers(1, 32) :, generator.integers(1, 32) :]
    elif kind == 3:  # shifted
        changed = np.roll(changed, tuple(generator.integers(1, 4, 2)), axis=(0, 1))
    else:  # through a JPEG file
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels
            Image.fromarray(plain).save(file.name, quality=int(generator.integers(30, 85)))
            changed = np.asarray(Image.open(file.name)).reshape(pixels.shape).astype("int16")
    return np.clip(changed, 0, 255).astype("uint8")


def forgery(report, seed, steps):
    """Part B: half of `steps` files are read with a wrong key, half were tampered with; then single values, which may be repaired."""
    generator, channel, secret = np.random.default_rng(seed), channel_of(), secret_of(key=b"the right key")
    accepted, told, texts, kinds = 0, [], set(), collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        files, outputs, message = covers(Path(temporary)), {}, b"the same words in every picture" * 2
        for name, path in files.items():
            stego.hide(path, message, path.with_suffix(".out.png"), key=b"the right key")
            outputs[name] = photos.read_png(path.with_suffix(".out.png"))[0]
        for trial in range(steps):
            name, path = PHOTOS[trial % len(PHOTOS)], Path(temporary) / "tampered.png"
            wrong = trial < steps // 2
            pixels = outputs[name] if wrong else tampered(outputs[name], trial // len(PHOTOS) % 5, generator)
            photos.write_png(path, pixels, True, lambda temporary: None)
            try:
                found = stego.reveal(path, key=b"the right key" + generator.bytes(2) if wrong else b"the right key")
                accepted += 1
                way = "wrong key" if wrong else TAMPERING[trial // len(PHOTOS) % 5]
                told.append(f"{name}, {way}: {'the hidden message' if found.message == message else 'ANOTHER MESSAGE'}")
            except stego.StegoError as error:
                texts.add(str(error))
                kinds["wrong key" if wrong else "tampered"] += 1
        light, other = collections.Counter(), 0
        for trial in range(steps // 10):
            pixels = outputs[PHOTOS[trial % len(PHOTOS)]].copy()
            places = generator.random(pixels.shape) < 10.0 ** generator.uniform(-5, -2)
            pixels[places] = generator.integers(0, 256, places.sum())
            try:
                other += tool._read(pixels, secret, channel).message != message
                light["repaired"] += 1
            except stego.AuthenticationError:
                light["refused"] += 1
    report.figure(f"B accepted of {steps} wrong keys and tampered files", accepted, "0", accepted == 0, seed)
    report.figure("B which were accepted, and what they gave", told, seed=seed)
    report.figure("B refused", dict(kinds), seed=seed)
    report.figure("B Wilson 95 % interval of the share accepted", interval(accepted, steps), seed=seed)
    report.figure("B different texts of the refusals", len(texts), "1", len(texts) == 1, seed)
    report.figure(f"B of {steps // 10} lightly damaged: another message than the one hidden", other, "0", other == 0, seed)
    report.figure("B lightly damaged", dict(light), seed=seed)


PARTS = {"A": (recovery, 200), "B": (forgery, 1000)}


if __name__ == "__main__":
    run("stego_tool", __doc__, PARTS)
