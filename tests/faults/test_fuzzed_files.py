"""Fuzzed files: whatever stands in a file of whichever format, it is read as documented, or an error of ours names the file."""

import contextlib
import gzip
import hashlib
import io
import json
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import cache as once
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

import kgan
from kgan import cache, callbacks, causal, datasets, images, metrics, presets, report, runs
from kgan import history as history_of_runs
from kgan.callbacks.plateau import BestOnPlateau
from kgan.datasets import attribute_lists as attributes
from kgan.datasets import covers, domains
from kgan.datasets.celeba import celeba
from kgan.datasets.labeled_images import labeled_images, read_labels
from kgan.shapes import mesh_files as meshes
from kgan.stego import keys, photos
from kgan.stories.vist import read_photo, vist
from tests.conformance.test_arguments import refused_by_us
from tests.faults.test_model_files import gan

KEYS = ("story_id", "album_id", "photo_flickr_id", "worker_arranged_photo_order", "text")


class Reader(NamedTuple):
    """A reader and a file that it takes.

    Attributes:
        file: name of the file below the folder.
        content: its bytes, or what returns them.
        read: callable `(folder) -> value`.
        valid: callable `(value) -> bool`, what the reader's documentation promises.
        others: dict of the names of further files to their contents.
        examples: how many damaged files are tried.
    """

    file: str
    content: bytes | Callable
    read: Callable
    valid: Callable
    others: dict = {}  # noqa: RUF012
    examples: int = 50


# Good files ----------------------------------------------------------------------------------------------------------------


def picture(mode, kind="PNG", side=8):
    stream = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype("uint8")
    Image.fromarray(values).convert("I;16" if mode == "I;16" else mode).save(stream, kind)
    return stream.getvalue()


def tiff_of_floats():
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).random((8, 8)).astype("float32")).save(stream, "TIFF")
    return stream.getvalue()


def with_metadata():
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGBA", (8, 9), (9, 200, 30, 100)).save(stream, "PNG", exif=exif, icc_profile=profile)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def of_members(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def mat():
    stream = io.BytesIO()
    pytest.importorskip("scipy.io").savemat(stream, {"instance": np.ones((30, 30, 30), "uint8")}, do_compression=True)
    return stream.getvalue()


def told():
    """Two stories of VIST."""
    stories = [[dict(zip(KEYS, (s, f"a{s}", f"{s}{i}", i, "we saw a dog"), strict=True))] for s in (1, 2) for i in range(5)]
    return json.dumps({"annotations": stories}).encode()


@once
def model_file():
    with tempfile.TemporaryDirectory() as folder:
        model = gan()
        model.compile()
        model.save(Path(folder) / "good.keras")
        return (Path(folder) / "good.keras").read_bytes()


@once
def preset_files():
    with tempfile.TemporaryDirectory() as folder:
        presets.save(gan(), folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def preset(name):
    return preset_files()[name]


def summed(folder):
    """Load a preset whose sums are right, whatever its files are."""
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in presets._FILES]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return presets.load(folder)


def described():
    about = asdict(runs.RunSettings(output=""))
    return json.dumps({"settings": {k: v for k, v in about.items() if k not in ("output", "resume")}}).encode()


def resumed(folder):
    runs._claim(folder, runs.RunSettings(output=str(folder), resume=True), {})
    return True


def history(folder):
    history_of_runs.trim(folder / "history.csv", 1)
    return history_of_runs.last(folder / "history.csv")


def reported(folder):
    report.write(folder / "page.html", [folder])
    return (folder / "page.html").read_text()


def plateau(folder):
    watch = BestOnPlateau(lambda model: 0.0, folder=folder)
    watch.set_model(SimpleNamespace(weights=[keras.Variable(np.zeros(2, "float32"))]))
    watch.on_epoch_begin(1)
    watch.restore()
    return [watch.best, watch.reductions, *(keras.ops.convert_to_numpy(w) for w in watch.model.weights)]


def restored(folder):
    model = gan()
    model.compile()
    return callbacks.restore(model, folder)


def in_range(array, shape, low=-1.0, high=1.0):
    array = np.asarray(array)
    return array.shape[1:] == shape and np.isfinite(array).all() and array.min() >= low and array.max() <= high


def binary(values):
    return set(np.unique(values)) <= {0, 1}


def finite(parts):
    return all(np.isfinite(np.asarray(part)).all() for part in parts)


OFF = b"OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"
BINVOX = b"#binvox 1\ndim 8 8 8\ntranslate 0 0 0\nscale 1\ndata\n" + bytes([0, 200, 1, 200, 0, 112])
CELEBA = b"2\nSmiling Young\n000001.png  1 -1\n000002.png -1 -1\n"
PGM = b"P5\n# taken by hand\n8 8\n255\n" + bytes(range(64))
TABLE = b"file,round,red\na.png,1,0\nb.png,0,1\n"
IDX = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (4, 3, 2)) + bytes(range(24))
IDX_LABELS = b"\0\0\x08\x01\0\0\0\x04\7\2\1\0"
USPS = {
    f"{kind}_{split}": value
    for split in ("train", "test")
    for kind, value in {"x": np.full((3, 16, 16), 7, "uint8"), "y": np.arange(3)}.items()
}
MOMENTS = {"mean": np.zeros(2), "covariance": np.eye(2), "count": np.asarray(9), "extractor": np.asarray("corners")}
FACES = {"img_align_celeba/000001.png": picture("RGB"), "img_align_celeba/000002.png": picture("RGB")}
VECTOR = npy(np.arange(4, dtype="float32"))
FEATURES = {f"features/{s}{i}.npy": VECTOR for s in (1, 2) for i in range(5)}


REST = {name: partial(preset, name) for name in presets._FILES}
ARGUMENTS = {"limit": None, "batch_size": None, "mirror": False, "image_size": 4, "crop": 8}


def image(value):
    return in_range(np.asarray(value)[None], (4, 4, 3), 0, 255)


def gray_image(value):
    return in_range(np.asarray(value)[None], (4, 4, 1), 0, 255)


def of_folder(value):
    return in_range(value[0], (4, 4, 3)) and binary(value[1])


READERS = {
    "attributes": Reader(
        "list.txt",
        CELEBA,
        lambda f: attributes.read_attributes(f / "list.txt"),
        lambda v: v[2].shape == (len(v[0]), len(v[1])) and binary(v[2]),
    ),
    "labels": Reader(
        "labels.csv",
        TABLE,
        lambda f: read_labels(f / "labels.csv"),
        lambda v: v[2].shape == (len(v[0]), len(v[1])) and binary(v[2]),
    ),
    "labeled images": Reader(
        "a.png",
        picture("RGB"),
        lambda f: labeled_images(f / "labels.csv", f, image_size=4, corrupt="error"),
        of_folder,
        {"labels.csv": TABLE, "b.png": picture("L")},
    ),
    "faces": Reader(
        "img_align_celeba/000001.png",
        FACES["img_align_celeba/000001.png"],
        lambda f: celeba(f, ["Young"], **ARGUMENTS),
        of_folder,
        {**FACES, "list_attr_celeba.txt": CELEBA},
    ),
    "faces, list": Reader("list_attr_celeba.txt", CELEBA, lambda f: celeba(f, ["Young"], **ARGUMENTS), of_folder, FACES),
    "faces, partition": Reader(
        "list_eval_partition.txt",
        b"000001.png 0\n000002.png 1\n",
        lambda f: celeba(f, ["Young"], split="train", **ARGUMENTS),
        of_folder,
        {**FACES, "list_attr_celeba.txt": CELEBA},
    ),
    "faces by attribute": Reader(
        "list_attr_celeba.txt",
        CELEBA,
        lambda f: domains.attribute_domains(f, "Smiling", 1, 32),
        lambda v: list(v) == ["Smiling", "not_Smiling"],
        FACES,
        20,
    ),
    "image": Reader("a.jpg", picture("RGB", "JPEG"), lambda f: images.read_image(f / "a.jpg", 4, 3), image),
    "image, cropped": Reader("a.png", picture("RGBA"), lambda f: images.read_image(f / "a.png", 4, 3, 8), image),
    "image, TIFF": Reader("a.tif", picture("RGB", "TIFF"), lambda f: images.read_image(f / "a.tif", 4, 3), image),
    "image, floats": Reader("a.tif", tiff_of_floats, lambda f: images.read_image(f / "a.tif", 4, 1), gray_image),
    "image, turned and of a profile": Reader("a.png", with_metadata, lambda f: images.read_image(f / "a.png", 4, 3), image),
    "image, GIF": Reader("a.gif", picture("RGB", "GIF"), lambda f: images.read_image(f / "a.gif", 4, 3), image),
    "image folder": Reader(
        "a.bmp",
        picture("L", "BMP"),
        lambda f: images.find_images(f, corrupt="error"),
        lambda v: len(v[0]) == 2 and not v[1],
        {"b.png": picture("L")},
    ),
    "depth": Reader(
        "b_depth.png",
        picture("I;16"),
        lambda f: domains.rgbd_folder(f, 4, seed=1),
        lambda v: in_range(v["color"], (4, 4, 3)) and in_range(v["depth"], (4, 4, 1)),
        {name: picture("L" if "depth" in name else "RGB") for name in ("a_depth.png", "a.png", "b.png")},
    ),
    "covers": Reader(
        "a.png",
        picture("L"),
        lambda f: covers.cover_folder(f, 4, corrupt="error"),
        lambda v: in_range(v[0], (4, 4, 1), 0, 255) and len(v[0]) == len(v[1]),
        {"b.pgm": PGM},
    ),
    "PGM": Reader("1.pgm", PGM, lambda f: covers.bossbase(f, 4), lambda v: in_range(v[0], (4, 4, 1), 0, 255), {"2.pgm": PGM}),
    "OFF": Reader(
        "a.off", OFF, lambda f: meshes.read_off(f / "a.off"), lambda v: np.isfinite(v[0]).all() and v[1].max() < len(v[0])
    ),
    "OFF, filled": Reader(
        "chair/train/a.off",
        OFF,
        lambda f: meshes.modelnet(f, size=8),
        lambda v: v[0].shape == (1, 8, 8, 8, 1) and binary(v[0]),
        {},
        30,
    ),
    "binvox": Reader("a.binvox", BINVOX, lambda f: meshes.read_binvox(f / "a.binvox"), binary),
    "binvox, pooled": Reader(
        "chair/train/a.binvox", BINVOX, lambda f: meshes.modelnet(f, size=8), lambda v: v[0].shape == (1, 8, 8, 8, 1)
    ),
    "mat": Reader("a.mat", mat(), lambda f: meshes.read_mat(f / "a.mat"), lambda v: v.shape == (32,) * 3 and binary(v)),
    "stories": Reader(
        "sis/train.story-in-sequence.json",
        told(),
        lambda f: vist(f),
        lambda v: all(isinstance(s, str) for story in v.texts for s in story) and v.features.shape[1] == 4,
        FEATURES,
        80,
    ),
    "features": Reader(
        "features/10.npy",
        VECTOR,
        lambda f: vist(f).features,
        lambda v: np.isfinite(v).all(),
        {**FEATURES, "sis/train.story-in-sequence.json": told()},
    ),
    "photo": Reader(
        "10.jpg",
        picture("RGB", "JPEG"),
        lambda f: read_photo(f / "10.jpg"),
        lambda v: v is None or in_range(v, (224, 3), 0, 255),
        {},
        20,
    ),
    "vocabulary": Reader(
        "words.json",
        b'{"words": ["a", "dog"]}',
        lambda f: kgan.stories.Vocabulary.load(f / "words.json"),
        lambda v: all(isinstance(word, str) for word in v.words),
    ),
    "IDX": Reader("a", IDX, lambda f: datasets.read_idx(f / "a"), lambda v: v.dtype.kind in "iuf" and v.ndim > 0),
    "IDX, zipped": Reader("a.gz", gzip.compress(IDX), lambda f: datasets.read_idx(f / "a.gz"), lambda v: v.dtype.kind in "iuf"),
    "IDX, a set": Reader(
        "train-labels-idx1-ubyte",
        IDX_LABELS,
        lambda f: datasets.arrays(f"idx:{f}"),
        lambda v: in_range(v[0], (3, 2, 1)) and v[1].shape == (len(v[0]),),
        {"train-images-idx3-ubyte.gz": gzip.compress(IDX)},
    ),
    "USPS": Reader("usps.npz", npz(**USPS), lambda f: domains.usps(f / "usps.npz"), lambda v: in_range(v[0], (28, 28, 1))),
    "moments": Reader(
        "m.npz", npz(**MOMENTS), lambda f: metrics.Moments.load(f / "m.npz"), lambda v: finite([v.mean, v.covariance])
    ),
    "cache": Reader("c.npz", npz(a=np.zeros(3)), lambda f: cache.load(f / "c.npz", ("a",)), lambda v: v is None or len(v) == 1),
    "plateau": Reader(
        "best.npz",
        npz(best=np.asarray(0.5), reductions=np.asarray(1), waited=np.asarray(0), weight_0=np.ones(2, "float32")),
        plateau,
        finite,
    ),
    "preset": Reader("SHA256SUMS", partial(preset, "SHA256SUMS"), presets.load, lambda v: isinstance(v, kgan.GAN), REST, 20),
    "preset, configuration": Reader(
        "config.json", partial(preset, "config.json"), summed, lambda v: isinstance(v, keras.Model), REST
    ),
    "preset, weights": Reader(
        "model.weights.h5", partial(preset, "model.weights.h5"), summed, lambda v: isinstance(v, kgan.GAN), REST, 30
    ),
    "stego picture": Reader(
        "a.png",
        picture("P"),
        lambda f: photos.read_png(f / "a.png", convert=True),
        lambda v: v[0].dtype == np.uint8 and v[0].ndim == 3 and v[0].shape[2] in (1, 3),
    ),
    "key": Reader("k", bytes(range(32)), lambda f: keys.secret_of(key=f / "k"), lambda v: "shown" in repr(v), {}, 20),
    "run, settings": Reader("settings.json", described, resumed, bool, {}, 30),
    "run, settings of another": Reader(
        "settings.json",
        described,
        lambda f: runs._stored_options(f, {f.name: f.name for f in fields(runs.RunSettings)}, None),
        lambda v: isinstance(v, dict),
        {},
        30,
    ),
    "run, history": Reader("history.csv", b"epoch,loss\n0,0.5\n1,NA\n", history, lambda v: isinstance(v, dict)),
    "run, report of settings": Reader("settings.json", described, reported, lambda v: "</html>" in v, {}, 20),
    "run, report of figures": Reader(
        "metrics.json", b'{"epochs": 3, "loss": 0.5}', reported, lambda v: "</html>" in v, {"settings.json": described}, 20
    ),
    "checkpoint": Reader("epoch-00003.keras", model_file, restored, lambda v: v == 3, {}, 15),
    "model": Reader("a.keras", model_file, lambda f: runs.load(f / "a.keras"), lambda v: isinstance(v, kgan.GAN), {}, 30),
    "graph": Reader(
        "g.json",
        b'{"nodes": ["a", "b", "c"], "edges": [["a", "b"]]}',
        lambda f: causal.graph(f / "g.json"),
        lambda v: len(v) > 0,
    ),
    "graph, lines": Reader("g.txt", b"a -> b # for\nc\n", lambda f: causal.graph(f / "g.txt"), lambda v: len(v) > 0),
}
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    for name in ("ExpandDims", "pool_3", "softmax/logits/MatMul"):
        graph.node.add(name=name, op="Identity", input=["x"] * 2)
    read = lambda f: metrics.InceptionFeatures(f / "g.pb")  # noqa: E731
    READERS["Inception"] = Reader("g.pb", graph.SerializeToString(), read, lambda v: False, {}, 20)


# Damage --------------------------------------------------------------------------------------------------------------------

JUNK = st.sampled_from(
    [b"", b"\0", b"\xff\xfe", b"-1", b"0", b"1e999", b"nan", b"9" * 20, b"9" * 5000, b"\xc2\xb2", b",", b"\n", b'"', b"[" * 20000]
    + [b"null", b"NaN", b"Infinity", b"{}", b"[]", b'"text"', b"\xf0\x9f\x98\x80", b"../" * 100, b"a" * 300, b"\r", b"# "]
)
VALUES = st.sampled_from(
    [None, True, 0, -1, 10**18, 1e308, float("inf"), float("nan"), "", "x" * 300, "\0", [], {}, [None], {"a": 1}, ["a", "a"]]
)


@st.composite
def cut_or_changed(draw, content):
    """Bytes with a piece left out, turned, or replaced."""
    start = draw(st.integers(0, len(content)))
    end = draw(st.one_of(st.just(len(content)), st.integers(start, min(len(content), start + 40))))
    kind = draw(st.sampled_from(["cut", "flip", "insert", "replace", "twice"]))
    if kind == "flip":
        turned = bytearray(content)
        for place in draw(st.lists(st.integers(0, max(0, len(content) - 1)), min_size=1, max_size=4)):
            turned[place : place + 1] = bytes([turned[place] ^ 1 << draw(st.integers(0, 7))]) if turned else b""
        return bytes(turned)
    between = {"cut": b"", "twice": content[start:end] * 2}.get(kind)
    between = draw(st.one_of(JUNK, st.binary(max_size=8))) if between is None else between
    return content[:start] + between + content[start if kind == "insert" else end :]


@st.composite
def of_other_words(draw, content):
    """A word of a text replaced."""
    words = content.split(b" ") if b" " in content else content.split(b",")
    words[draw(st.integers(0, len(words) - 1))] = draw(JUNK)
    return (b" " if b" " in content else b",").join(words)


@st.composite
def of_other_json(draw, content):
    """A value of a tree replaced, left out or renamed."""
    tree = json.loads(content)
    places = [(None, None)]

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(tree)
    node, key = draw(st.sampled_from(places))
    if node is None:
        tree = draw(VALUES)
    elif draw(st.booleans()) or isinstance(node, list):
        node[key] = draw(VALUES)
    else:
        value = node.pop(key)
        if draw(st.booleans()):
            node[f"{key}s"] = value
    return json.dumps(tree).encode()


ARRAYS = st.sampled_from(
    [
        npy(np.zeros(0)),
        npy(np.zeros((2, 3, 5), "int8")),
        npy(np.full((3, 16, 16), np.nan)),
        npy(np.asarray(np.inf)),
        npy(np.asarray(-7)),
        npy(np.asarray("text")),
        npy(np.asarray(["a", "b"])),
        npy(np.zeros(2, [("a", "i4"), ("b", "f8")])),
        npy(np.zeros(2, "datetime64[s]")),
        npy(np.zeros(2, "complex64")),
        b"",
        b"\x93NUMPY",
        npy(np.zeros(4)).replace(b"(4,)", b"(9,)"),
        npy(np.zeros(4)).replace(b"(4,)", b"((("),
        npy(np.zeros(4)).replace(b"(4,)", b"(-4"),
        npy(np.zeros(4)).replace(b"<f8", b"|O8"),
        npy(np.zeros(4)).replace(b"<f8", b"<q9"),
    ]
)


@st.composite
def of_other_arrays(draw, content):
    """An .npz with an array replaced, left out or renamed; an .npy replaced."""
    if content[:2] != b"PK":
        return draw(ARRAYS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(members)))
    kind = draw(st.sampled_from(["replace", "replace", "drop", "damage"]))
    members[name] = draw(ARRAYS if kind == "replace" else cut_or_changed(members[name]))
    if kind == "drop":
        del members[name]
    return of_members(members)


def damaged(reader, others):
    """Strategy of contents for the file of a reader; `others` is one of those of other formats."""
    ways = [cut_or_changed(reader.content)] * 2 + [others, JUNK]
    with contextlib.suppress(UnicodeDecodeError):
        reader.content.decode()
        ways += [of_other_words(reader.content)]
    if reader.content[:1] == b"{":
        ways += [of_other_json(reader.content)] * 4
    if reader.file.endswith((".npz", ".npy", ".keras")):
        ways += [of_other_arrays(reader.content)] * 4
    return st.one_of(ways)


# Tests ---------------------------------------------------------------------------------------------------------------------


def bytes_of(content):
    return content() if callable(content) else content


def put(folder, reader, content):
    """The files of a reader below an empty folder, with another content of its own."""
    for name, own in {**reader.others, reader.file: content}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes_of(own))


def read(folder, reader):
    """What is read; None if an error of ours names the file.

    Raises:
        AssertionError: another error, or a value that is not as documented.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = reader.read(folder)
    except Exception as error:
        named = Path(reader.file).name in str(error) or folder.name in str(error)
        ours = refused_by_us(error) or isinstance(error, runs.RunError)
        if not (ours and named and len(str(error)) < 1000):
            raise AssertionError(f"not refused by us: {error!r:.600}") from error
        return None
    assert reader.valid(value), f"not as documented: {value!r:.300}"
    return value


@pytest.mark.parametrize("name", READERS)
def test_good_files_are_read(name, tmp_path):
    if name != "Inception":
        put(tmp_path, READERS[name], READERS[name].content)
        assert read(tmp_path, READERS[name]) is not None


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name, tmp_path):
    reader = READERS[name]._replace(content=bytes_of(READERS[name].content))
    others = [bytes_of(r.content) for r in READERS.values() if r.file.partition(".")[2] != reader.file.partition(".")[2]]

    @settings(max_examples=reader.examples, deadline=None, derandomize=True, database=None)
    @given(damaged(reader, st.sampled_from(others)))
    def fuzz(content):
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            put(Path(folder), reader, content)
            read(Path(folder), reader)

    fuzz()


def promising(shape):
    """An array of one number whose header promises many."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(8)


def lying(kind):
    """Files whose heads promise gigabytes."""
    if kind == "zip":  # the directory lies too: 3 GB of deflated zeros in a hundred bytes
        content = bytearray(npz(**{**MOMENTS, "mean": np.zeros(1)}))
        place = content.index(b"PK\x01\x02")
        content[place + 20 : place + 28] = (3 * 2**30).to_bytes(4, "little") * 2
        return bytes(content)
    if kind == "npz":
        return of_members(
            {**{f"{name}.npy": npy(value) for name, value in MOMENTS.items()}, "mean.npy": promising("(400000000,)")}
        )
    if kind == "IDX":
        return IDX[:4] + b"\x10\0\0\0" * 3 + IDX[16:]
    if kind == "IDX, zipped":  # of one that its own bytes could hold
        return gzip.compress(IDX[:4] + b"\0\0\4\0\0\0\4\0\0\0\0\x20" + bytes(2**16)) + bytes(2**16)
    png = picture("L")
    size = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + png[24:29]
    return {
        "npy": promising("(400000000,)"),
        "OFF": OFF.replace(b"4 4 0", b"400000000 400000000 0"),
        "binvox": BINVOX.replace(b"8 8 8", b"1000 1000 1000"),
        "PGM": PGM.replace(b"8 8", b"60000 60000"),
        "PNG": png[:12] + size + zlib.crc32(size).to_bytes(4, "big") + png[33:],
        "list": b"400000000\n" + b" ".join(b"%d" % i for i in range(40)) + b"\n",
    }[kind]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("zip", "moments"),
        ("npz", "moments"),
        ("npy", "features"),
        ("OFF", "OFF"),
        ("binvox", "binvox"),
        ("PGM", "PGM"),
        ("PNG", "image, cropped"),
        ("PNG", "stego picture"),
        ("list", "attributes"),
        ("IDX", "IDX"),
        ("IDX, zipped", "IDX, zipped"),
    ],
)
def test_no_memory_is_taken_that_a_header_only_promises(kind, name, tmp_path):
    put(tmp_path, READERS[name], lying(kind))
    tracemalloc.start()
    try:
        value = read(tmp_path, READERS[name])
        assert value is None or name == "features"  # of one photo: zeros, and a warning
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    trap = np.asarray([Trap()], object)
    for name, content in {"features": npy(trap), "moments": npz(**{**MOMENTS, "mean": trap}), "cache": npz(a=trap)}.items():
        put(tmp_path, READERS[name], content)
        read(tmp_path, READERS[name])
    assert not (tmp_path / "sprung").exists()
