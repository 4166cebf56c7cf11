"""Procedural shapes and their pictures; readers of OFF, binvox, .mat and ModelNet's folders, and what they refuse."""

import os

import numpy as np
import pytest

import kgan
from kgan import datasets, pictures
from kgan.shapes import mesh_files, meshes
from kgan.shapes.drawn import FURNITURE, SOLIDS, render


@pytest.mark.parametrize(("make", "kinds", "size"), [(kgan.shapes.solids, SOLIDS, 16), (kgan.shapes.furniture, FURNITURE, 32)])
def test_shapes_are_cubes_of_one_piece_all_different_and_given_by_the_seed(make, kinds, size):
    voxels, labels = make(6 * len(kinds), size=size, seed=3)
    assert voxels.shape == (6 * len(kinds), size, size, size, 1)
    assert voxels.dtype == np.int8
    assert set(np.unique(voxels)) == {0, 1}
    assert np.bincount(labels).tolist() == [6] * len(kinds)
    assert (kgan.shapes.connected_components(voxels) == 1).all()
    assert len(np.unique(voxels.reshape(len(voxels), -1), axis=0)) > 0.9 * len(voxels)
    np.testing.assert_array_equal(make(6 * len(kinds), size=size, seed=3)[0], voxels)
    assert (make(6 * len(kinds), size=size, seed=4)[0] != voxels).any()


def test_one_class_alone():
    voxels, labels = datasets.arrays("solids:torus", "test")
    assert set(labels.tolist()) == {0}
    # A hole in the middle: nothing above the center of the cube, most often.
    assert voxels[:, 8, 8].mean() < 0.1
    assert datasets.arrays("furniture:bed", "test", 16)[0].shape == (400, 16, 16, 16, 1)
    with pytest.raises(ValueError, match="must be some of"):
        datasets.arrays("solids:boat")


def test_splits_share_no_shape():
    train, test = (datasets.arrays("solids", split)[0] for split in ("train", "test"))
    assert (len(train), len(test)) == (2500, 1000)
    seen = {shape.tobytes() for shape in train}
    assert np.mean([shape.tobytes() in seen for shape in test]) < 0.02


def test_furniture_is_a_mesh_whose_parts_are_closed():
    trimesh = pytest.importorskip("trimesh")
    for kind in FURNITURE:
        vertices, faces = kgan.shapes.furniture_mesh(kind, 5)
        mesh = trimesh.Trimesh(vertices, faces, process=False)
        assert mesh.is_watertight, kind
        assert mesh.volume > 0, kind
        assert 0.3 < mesh.extents.max() < 2.5, kind


def corner():
    """A 8^3 cube with one bar along x at the far bottom left, and one cell on top of its end."""
    voxels = np.zeros((1, 8, 8, 8), "int8")
    voxels[0, :, 7, 0] = 1
    voxels[0, 7, 7, 1] = 1
    return voxels


def test_pictures_are_projections():
    # From the front (along +y) x is to the right and z upwards: rows 7 and 6 of the picture, from the top.
    seen = render(corner(), 8, 0.0, 0.0, style="silhouette")[0]
    expected = np.zeros((8, 8))
    expected[7, :], expected[6, 7] = 1, 1
    np.testing.assert_array_equal(seen, expected)
    # From the right (azimuth 90 looks along -x): y to the right; the bar is a point at the far right.
    expected = np.zeros((8, 8))
    expected[6:, 7] = 1
    np.testing.assert_array_equal(render(corner(), 8, 90.0, 0.0, style="silhouette")[0], expected)
    # From the top: y upwards.
    expected = np.zeros((8, 8))
    expected[0] = 1
    np.testing.assert_array_equal(render(corner(), 8, 0.0, 90.0, style="silhouette")[0], expected)


def test_nearer_cells_are_brighter_and_faces_differ():
    voxels = np.zeros((2, 8, 8, 8))
    voxels[0, 2, 1, 4] = voxels[1, 2, 6, 4] = 1
    near, far = render(voxels, 8, 0.0, 0.0, style="depth")
    assert near[3, 2] > far[3, 2] > 0
    block = np.zeros((1, 8, 8, 8))
    block[0, 2:6, 2:6, 2:6] = 1
    tones = np.unique(np.round(render(block, 64, 45.0, 30.0)[0] / 0.02))
    assert len(tones) > 3
    np.testing.assert_array_equal(render(voxels, 16, [0.0, 90.0])[1], render(voxels[1:], 16, 90.0)[0])


def test_views_and_grids():
    voxels, _ = kgan.shapes.solids(6, seed=0)
    views = kgan.shapes.views(voxels, 24)
    assert views.shape == (6, 24, 24, 1)
    assert views.min() == -1.0
    assert views.max() > 0
    assert pictures.voxel_grid(voxels, 6, 32).shape == (34, 6 * 33 + 1, 3)
    seen = pictures.mesh_grid([meshes.surface(v) for v in voxels[:2]], image_size=40)
    assert seen.shape == (42, 83, 3)
    assert (seen == 255).mean() > 0.3
    assert len(np.unique(seen)) > 5
    with pytest.raises(ValueError, match="style"):
        render(voxels, style="oil")


# Files ---------------------------------------------------------------------------------------------------------------

TETRAHEDRON = ["4 4 6", "0 0 0", "1 0 0", "0 1 0", "0 0 1", "3 0 2 1", "3 0 1 3", "3 1 2 3", "3 0 3 2"]


def off(tmp_path, lines, name="mesh.off"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_off_files_in_all_their_spellings(tmp_path):
    vertices, faces = kgan.shapes.read_off(off(tmp_path, ["OFF", *TETRAHEDRON]))
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(faces, [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    for lines in (
        ["OFF4 4 6", *TETRAHEDRON[1:]],  # ModelNet40
        ["OFF 4 4 6", *TETRAHEDRON[1:]],
        ["# made by hand", "OFF", "", *TETRAHEDRON[:3], "# a comment", *TETRAHEDRON[3:]],
        ["OFF", *TETRAHEDRON[:-1], "3 0 3 2  255 0 0"],
    ):
        again = kgan.shapes.read_off(off(tmp_path, lines))
        np.testing.assert_array_equal(again[0], vertices)
        np.testing.assert_array_equal(again[1], faces)


def test_polygons_become_fans(tmp_path):
    path = off(tmp_path, ["OFF", "5 1 0", "0 0 0", "1 0 0", "2 1 0", "1 2 0", "0 1 0", "5 0 1 2 3 4"])
    np.testing.assert_array_equal(kgan.shapes.read_off(path)[1], [[0, 1, 2], [0, 2, 3], [0, 3, 4]])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["PLY", *TETRAHEDRON], r"line 1: an OFF file starts with 'OFF'"),
        (["OFF", "4 four 6", *TETRAHEDRON[1:]], "line 2: expected the counts"),
        (["OFF", "0 0 0"], "line 2: the mesh is empty"),
        (["OFF", "4 5 6", *TETRAHEDRON[1:]], "ends among its faces"),
        (["OFF", "4 3 6", *TETRAHEDRON[1:]], "line 10: more lines than the counts"),
        (["OFF", *TETRAHEDRON[:2], "1 x 0", *TETRAHEDRON[3:]], "line 4: a vertex is three numbers"),
        (["OFF", *TETRAHEDRON[:-1], "3 0 3 4"], r"line 10: the face \[0, 3, 4\] names a vertex outside 0 to 3"),
        (["OFF", *TETRAHEDRON[:-1], "4 0 3 2"], "line 10: a face of 4 corners has 3"),
        (["OFF", "3 1 0", "1 1 1", "1 1 1", "1 1 1", "3 0 1 2"], "no extent"),
    ],
)
def test_broken_off_files_are_refused_by_name_and_line(lines, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        kgan.shapes.read_off(off(tmp_path, lines))
    assert "mesh.off" in str(error.value)


def binvox(path, stored, head=b"#binvox 1\ndim 4 4 4\ntranslate 0 0 0\nscale 1\ndata\n"):
    """Run lengths of an array in the file's own order, x, z, y."""
    flat, pairs = stored.ravel(), bytearray()
    for value in flat:
        if pairs and pairs[-2] == value and pairs[-1] < 255:
            pairs[-1] += 1
        else:
            pairs += bytes([value, 1])
    path.write_bytes(head + bytes(pairs))
    return path


def test_binvox_axes(tmp_path, rng):
    voxels = (rng.random((4, 4, 4)) < 0.5).astype("uint8")
    path = binvox(tmp_path / "a.binvox", voxels.transpose(0, 2, 1))
    np.testing.assert_array_equal(kgan.shapes.read_binvox(path), voxels)
    for wrong, message in (
        (b"#binvox 1\ndim 4 4 5\ndata\n", "of a cube"),
        (b"#voxels 1\ndim 4 4 4\ndata\n", "not a binvox file"),
        (b"#binvox 1\ndim 8 8 8\ndata\n", "damaged"),
    ):
        with pytest.raises(ValueError, match=message):
            kgan.shapes.read_binvox(binvox(tmp_path / "b.binvox", voxels, wrong))


def test_mat_files_are_padded_and_doubled(tmp_path, rng):
    savemat = pytest.importorskip("scipy.io").savemat
    voxels = (rng.random((30, 30, 30)) < 0.5).astype("uint8")
    savemat(tmp_path / "a.mat", {"instance": voxels})
    small, large = (kgan.shapes.read_mat(tmp_path / "a.mat", size) for size in (32, 64))
    np.testing.assert_array_equal(small[1:-1, 1:-1, 1:-1], voxels)
    assert small.sum() == voxels.sum()
    np.testing.assert_array_equal(large[1::2, ::2, 1::2], small)
    savemat(tmp_path / "b.mat", {"instance": voxels[:20]})
    with pytest.raises(ValueError, match="30\\^3"):
        kgan.shapes.read_mat(tmp_path / "b.mat")


def test_modelnets_folders_are_read_once_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("KGAN_CACHE", str(tmp_path / "cache"))
    for kind in ("chair", "table"):
        for split, count in (("train", 2), ("test", 1)):
            folder = tmp_path / "net" / kind / split
            folder.mkdir(parents=True)
            for index in range(count):
                vertices, faces = kgan.shapes.furniture_mesh(kind, index)
                lines = [f"OFF{len(vertices)} {len(faces)} 0", *(" ".join(map(str, v)) for v in vertices)]
                off(folder, [*lines, *(f"3 {a} {b} {c}" for a, b, c in faces)], f"{kind}_{index:04d}.off")
    voxels, labels = kgan.shapes.modelnet(tmp_path / "net", size=16)
    assert voxels.shape == (4, 16, 16, 16, 1)
    assert labels.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(voxels[2, ..., 0], meshes.voxelize(*kgan.shapes.furniture_mesh("table", 0), size=16))
    assert datasets.arrays(f"modelnet:{tmp_path / 'net' / 'table'}", "test", 16)[0].shape == (1, 16, 16, 16, 1)
    # From the cache, without the reader; a damaged entry is made anew; a changed file is read again.
    kept = sorted((tmp_path / "cache" / "voxels").iterdir())
    assert len(kept) == 5
    with monkeypatch.context() as patch:
        patch.setattr(mesh_files, "read_off", None)
        np.testing.assert_array_equal(kgan.shapes.modelnet(tmp_path / "net", size=16)[0], voxels)
    for file in kept:
        file.write_bytes(file.read_bytes()[:-40])
    np.testing.assert_array_equal(kgan.shapes.modelnet(tmp_path / "net", size=16)[0], voxels)
    changed = tmp_path / "net/chair/train/chair_0000.off"
    off(changed.parent, ["OFF", *TETRAHEDRON], changed.name)
    os.utime(changed, (1, 1))
    assert (kgan.shapes.modelnet(tmp_path / "net", size=16)[0][0] != voxels[0]).any()
    changed.write_text("OFF\n1 1 0\n")
    with pytest.raises(ValueError, match=r"chair_0000\.off"):
        kgan.shapes.modelnet(tmp_path / "net", size=16)
    with pytest.raises(FileNotFoundError, match="ModelNet"):
        kgan.shapes.modelnet(tmp_path / "nothing")
    with pytest.raises(ValueError, match="Nothing to read"):
        kgan.shapes.modelnet(tmp_path / "cache")
