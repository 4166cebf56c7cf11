"""Drawn faces: every attribute shows for every combination of the others, and nothing else depends on the labels."""

import itertools

import numpy as np
import pytest

from kgan.datasets.faces import FACE_ATTRIBUTES, draw_faces

GRID = np.asarray(list(itertools.product((0, 1), repeat=9)))


def draw(values, **arguments):
    return draw_faces(dict(zip(FACE_ATTRIBUTES, np.asarray(values).T, strict=True)), **arguments)


@pytest.mark.parametrize("size", [16, 32, 48])
def test_shape_and_range(size):
    images = draw(GRID[::7], size=size)
    assert images.shape == (len(GRID[::7]), size, size, 3)
    assert images.dtype == np.float32
    assert -1 <= images.min() < -0.7
    assert 0.9 < images.max() <= 1


@pytest.mark.parametrize("name", FACE_ATTRIBUTES)
def test_every_attribute_changes_the_picture_whatever_the_others_are(name):
    index = FACE_ATTRIBUTES.index(name)
    with_, without = GRID.copy(), GRID.copy()
    with_[:, index], without[:, index] = 1, 0
    change = np.abs(draw(with_) - draw(without)).max(axis=-1)
    # At least a dozen of the 1024 pixels change clearly, in each of the 512 combinations and for each person drawn.
    assert (change > 0.2).sum(axis=(1, 2)).min() >= 12


def test_persons_are_of_the_seed_alone():
    background = (slice(None), 0, 0)  # a corner that no hair or shoulder reaches
    some, others = draw(GRID), draw(GRID[::-1])
    np.testing.assert_array_equal(some[background], others[background])
    np.testing.assert_array_equal(some, draw(GRID))
    assert (draw(GRID, seed=1)[background] != some[background]).all()


def test_persons_of_one_label_vector_differ():
    images = draw(np.zeros((40, 9), int)).reshape(40, -1)
    distances = np.sqrt(((images[:, None] - images[None]) ** 2).mean(-1))[np.triu_indices(40, 1)]
    assert distances.min() > 0.05
    assert distances.mean() > 0.25


def test_names_left_out_are_0():
    np.testing.assert_array_equal(draw_faces({"Male": [1, 0.0]}), draw([[0, 1, *[0] * 7], [0] * 9]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"Beard": [0]}, r"Unknown attributes \['Beard'\].*Young"),
        ({}, "empty"),
        ({"Male": [0, 1], "Young": [1]}, "one length"),
        ({"Male": 1}, "one length"),
        ({"Male": [0, 1, -1]}, r"'Male' must be 0 or 1.*-1.*index 2"),
        ({"Male": [0.5]}, "0 or 1"),
        ({"Male": [np.nan]}, "0 or 1"),
    ],
)
def test_labels_that_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        draw_faces(labels)


@pytest.mark.parametrize("size", [15, 32.0, True])
def test_sizes_that_are_refused(size):
    with pytest.raises(ValueError, match="`size`"):
        draw_faces({"Male": [1]}, size=size)
