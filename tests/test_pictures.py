"""Pictures of samples and their names."""

import ast
import functools
import inspect
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kgan
from kgan import control, evaluation, pictures

ROOT = Path(kgan.__file__).parents[1]
SHAPES = [(8, 8, 1), (11, 7, 3), (28, 28, 1), (64, 64, 3), (128, 128, 1)]


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 100, (count, *shape)).astype("uint8")


def ink(before, after):
    """Where two pictures of one size differ: rows and columns of pixels."""
    assert before.shape == after.shape
    return np.argwhere((before != after).any(-1))


@pytest.mark.parametrize("shape", SHAPES)
def test_names_are_written_around_a_grid_whose_pixels_stay(shape):
    grid = pictures.image_grid(noise(6, shape), columns=3)
    height, width = grid.shape[:2]
    drawn = pictures.labeled(grid, "a title", ["up", "down"], ["a", "b", "c"])
    top, left = drawn.shape[0] - height, drawn[-height:].min(axis=(0, 2)).argmin()
    while not (drawn[top:, left : left + width] == grid).all():  # the first dark column may be one of a name
        left += 1
    assert top > 20
    assert left > 10
    # Every name is dark where it belongs, at a height of five pixels or more.
    front = np.argwhere(drawn[top:, :left].min(-1) < 128)[:, 0]
    for rows in (front[front < height / 2], front[front > height / 2]):
        assert np.ptp(rows) >= 5
    assert abs(front[front < height / 2].mean() - height / 4) < 6
    others = {
        "title": pictures.labeled(grid, "a eltit", ["up", "down"], ["a", "b", "c"]),
        "row": pictures.labeled(grid, "a title", ["up", "nwod"], ["a", "b", "c"]),
        "column": pictures.labeled(grid, "a title", ["up", "down"], ["a", "b", "o"]),
    }
    title, row, column = (ink(drawn, other) for other in others.values())
    assert title.max(axis=0)[0] < top
    assert row.min(axis=0)[0] > top + height / 2 - 8
    assert row.max(axis=0)[1] < left
    assert column.max(axis=0)[0] < top
    assert column.min(axis=0)[1] > left + width / 2


def test_a_picture_without_names_is_itself():
    grid = pictures.image_grid(noise(2, (8, 8, 1)))
    np.testing.assert_array_equal(pictures.labeled(grid), grid)
    tiny = pictures.image_grid(noise(1, (3, 3, 1)), scale=1, gap=0)
    np.testing.assert_array_equal(pictures.labeled(tiny), tiny)


def test_long_names_are_cut_and_titles_broken():
    grid = pictures.image_grid(noise(4, (32, 32, 1)))
    named = pictures.labeled(grid, row_names=["x", "a name that goes on and on, until nobody reads it, let alone to its end" * 3])
    assert named.shape[1] < 4 * grid.shape[1]
    heights = {pictures.labeled(grid, title).shape[0] for title in ("one", "RenderGAN: the first 3 of 3", "a b c d e f g h")}
    assert len(heights) == 1  # a narrow picture has room for a title of one line
    once, broken = (pictures.labeled(grid, " ".join(["word"] * count)) for count in (3, 40))
    assert broken.shape[0] > once.shape[0] + 30
    assert broken.shape[1] < 4 * grid.shape[1]
    endless = pictures.labeled(grid, "w" * 500)
    assert endless.shape[1] < 4 * grid.shape[1]
    assert endless[: -len(grid), -3:].min() > 128  # nothing runs out of the picture
    # A name that is wider than its column stands upright; one that is for several columns has their room.
    lying, standing, together = (
        pictures.labeled(grid, column_names=names) for names in (["a", "b"], ["a", "something"], ["something", ""])
    )
    assert standing.shape[0] > lying.shape[0] + 20
    assert together.shape == lying.shape
    two_lines = pictures.labeled(grid, "one\ntwo", ["a\nb", "é Ω Я"])
    assert two_lines.shape[0] > grid.shape[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.zeros((8, 8, 3)),), r"uint8 \(height, width, 3\). Received: float64 of shape \(8, 8, 3\)"),
        ((np.zeros((8, 8), "uint8"),), r"shape \(8, 8\)"),
        ((np.zeros((0, 8, 3), "uint8"),), r"shape \(0, 8, 3\)"),
        ((np.zeros((2, 8, 3), "uint8"), "", ["a"] * 3), "2x8 pixels has no 3 rows"),
    ],
)
def test_what_cannot_be_labeled_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        pictures.labeled(*given)


def test_rows_of_images_of_several_kinds(tmp_path):
    gray, color, bright = noise(3, (8, 8, 1)), noise(2, (12, 10, 3)), np.ones((1, 8, 8, 1), "float32") * -1
    rows = {"gray": gray, "color": color, "floats": bright}
    grid = pictures.row_grid(rows, scale=1)
    grid = grid[:, grid.shape[1] - (3 * 11 + 1) :]
    assert grid.shape == (3 * 13 + 1, 3 * 11 + 1, 3)
    np.testing.assert_array_equal(grid[1:9, 1:9], gray[0].repeat(3, axis=-1))
    np.testing.assert_array_equal(grid[14:26, 12:22], color[1])
    assert (grid[27:35, 1:9] == 0).all()
    assert (grid[27:, 12:] == 255).all()
    pictures.save_rows(tmp_path / "rows.png", rows, "a title", ["a", "b", ""])
    saved = np.asarray(Image.open(tmp_path / "rows.png"))
    np.testing.assert_array_equal(saved, pictures.row_grid(rows, "a title", ["a", "b", ""]))
    with pytest.raises(ValueError, match=r"must be 3, empty.*Received 2"):
        pictures.row_grid(rows, column_names=["a", "b"])
    with pytest.raises(ValueError, match="one at least"):
        pictures.row_grid({})
    with pytest.raises(ValueError, match="1 or 3"):
        pictures.row_grid({"a": gray[0]})
    with pytest.raises(ValueError, match="clip=True"):
        pictures.row_grid({"a": 3.0 * bright})
    assert pictures.row_grid({"a": 3.0 * bright}, clip=True).shape[0] == 40


def test_pairs_in_a_file(tmp_path):
    pairs = {"a": np.ones((5, 32, 32, 1)), "b": -np.ones((5, 32, 32, 3))}
    pictures.save_samples(tmp_path / "pairs.png", pairs, title="five pairs")
    drawn = np.asarray(Image.open(tmp_path / "pairs.png"))
    # Four in a line, then the fifth; b below a.
    grid = drawn[-(4 * 33 + 1) :, -(4 * 33 + 1) :, 0]
    shades = [[int(grid[17 + 33 * row, 17 + 33 * column]) for column in range(4)] for row in range(4)]
    assert shades == [[255] * 4, [0] * 4, [255] * 4, [0, 255, 255, 255]]
    pictures.save_samples(tmp_path / "others.png", {"a": pairs["a"], "c": pairs["b"]}, title="five pairs")
    assert len(ink(drawn, np.asarray(Image.open(tmp_path / "others.png"))))
    for other in (pairs["a"][:2], pairs["a"][0]):
        with pytest.raises(ValueError, match="one count are drawn together"):
            pictures.save_samples(tmp_path / "x.png", {**pairs, "other": other})


@pytest.mark.parametrize("samples", [noise(4, (8, 8, 1)), np.ones((1, 8, 8, 8, 1)), np.eye(2), {"a": noise(4, (8, 8, 1))}])
def test_samples_have_a_title_where_one_is_given(tmp_path, samples):
    drawn = []
    for index, title in enumerate(("", "GAN, epoch 3", "GAN, epoch 4")):
        pictures.save_samples(tmp_path / f"{index}.png", samples, title=title)
        drawn.append(np.asarray(Image.open(tmp_path / f"{index}.png").convert("RGB")))
    bare, three, four = drawn
    assert bare.shape != three.shape or len(ink(bare, three))
    assert len(ink(three, four))


@functools.cache
def calls():
    """All calls of the tree outside its tests: (file, name, node)."""
    files = [path for folder in ("applications", "benchmarks", "kgan") for path in sorted((ROOT / folder).rglob("*.py"))]
    nodes = [(path, node) for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [(path, getattr(node.func, "attr", getattr(node.func, "id", "")), node) for path, node in nodes]


def drawing_calls(name):
    return [(path, node) for path, called, node in calls() if called == name]


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("save_samples", "title"),
        ("save_rows", "title"),
        ("save_classes", "title"),
        ("save_clips", "title"),
        ("save_flow", "title"),
        ("draw_classes", "title"),
        ("draw_strip", "row_names"),
    ],
)
def test_every_picture_of_the_tree_says_what_it_shows(name, needed):
    function = next(getattr(room, name) for room in (pictures, evaluation, control) if hasattr(room, name))
    found = 0
    for path, call in drawing_calls(name):
        given = inspect.signature(function).bind_partial(*call.args, **{keyword.arg: keyword for keyword in call.keywords})
        assert needed in given.arguments, f"{path}, line {call.lineno}: {name} without {needed}"
        found += 1
    assert found or name == "save_classes"


def test_no_grid_of_the_tree_is_saved_without_names():
    bare = {"image_grid", "voxel_grid", "mesh_grid", "concatenate"}
    found = 0
    for path, call in drawing_calls("save_image"):
        inner = {getattr(node.func, "attr", "") for node in ast.walk(call) if isinstance(node, ast.Call)}
        assert not inner & bare or "labeled" in inner, f"{path}, line {call.lineno}: a grid without names"
        found += 1
    assert found > 10


def test_bytes_are_taken_as_they_are(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("uint8")
    pictures.save_samples(tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[1:-1, 1:-1], pixels[0])


GOOD = np.zeros((2, 8, 8, 1), "float32")
# What samples are not, and the words of the error.
NO_SAMPLES = {
    "0 to 255 as floats": (GOOD + 255.0, r"\[-1, 1\].*Received: values in \[255, 255\]"),
    "below": (GOOD - 3.0, r"Received: values in \[-3, -3\]"),
    "whole numbers": (GOOD.astype("int64") + 200, r"uint8, or floats.*Received: int64"),
    "true and false": (GOOD > 0, "Received: bool"),
    "nan": (np.where(np.arange(8) == 3, np.nan, GOOD[..., 0])[..., None], "16 of 128 values are not"),
    "infinite": (GOOD - np.inf, "must be finite"),
    "no images": (GOOD[:0], r"at least one. Received samples of shape \(0, 8, 8, 1\)"),
    "two channels": (GOOD.repeat(2, axis=-1), r"1 or 3.*\(2, 8, 8, 2\)"),
    "one image": (GOOD[0], "at least one"),
    "no points": (np.zeros((0, 2)), "at least one"),
    "points that are none": (np.full((4, 2), np.nan), "Points must be finite"),
    "voxels of bytes": (np.full((2, 8, 8, 8, 1), 255, "uint8"), r"Voxels must be .*\[0, 1\].*\[255, 255\]"),
    "a domain with none": ({"a": GOOD, "b": GOOD * np.nan}, "must be finite"),
}


@pytest.mark.parametrize("what", NO_SAMPLES)
def test_samples_that_cannot_be_drawn_are_refused(tmp_path, what):
    samples, message = NO_SAMPLES[what]
    with pytest.raises(ValueError, match=message):
        pictures.save_samples(tmp_path / "a.png", samples)
    assert not list(tmp_path.iterdir())


def test_a_linear_output_may_be_clipped():
    beyond = np.asarray([-1.5, -1.0, 1.0, 2.0], "float32").reshape(1, 2, 2, 1)
    drawn = pictures.image_grid(beyond, scale=1, gap=0, clip=True)[..., 0]
    assert drawn.tolist() == [[0, 0], [255, 255]]
    with pytest.raises(ValueError, match="clip=True"):
        pictures.image_grid(beyond)
    with pytest.raises(ValueError, match="finite"):
        pictures.image_grid(beyond * np.nan, clip=True)
    assert pictures.image_grid(beyond[:, :, :1] * 0 + 1.004).max() == 255  # half precision


def test_a_row_for_each_class(tmp_path):
    images = np.linspace(-1, 1, 5, dtype="float32")[:, None, None, None] * np.ones((5, 8, 8, 1), "float32")
    labels = np.array([2, 0, 2, 0, 2])
    pictures.save_classes(tmp_path / "rows.png", images, labels, ["east", "west", "north"], columns=2)
    pixels = np.asarray(Image.open(tmp_path / "rows.png"))
    height, width = 2 * 9 * 4 + 4, 2 * 9 * 4 + 4
    assert pixels.shape[0] == height
    grid = pixels[:, -width:, 0]
    # Rows in the order in which classes come; of north the third is left out.
    shades = [[grid[4 + 16 + 36 * row, 4 + 16 + 36 * column] for column in (0, 1)] for row in (0, 1)]
    assert shades == [[0, 128], [64, 191]]
    assert (pixels[:, : pixels.shape[1] - width].min(axis=(1, 2)) < 128).any()  # names are written
    for wrong in ([0, 1, 2, 3, 0], [0, 1], np.zeros(5)):
        with pytest.raises(ValueError, match="`labels` must be integers"):
            pictures.save_classes(tmp_path / "x.png", images, wrong, ["a", "b", "c"])
