"""Voxelization and marching cubes: exact on boxes, against trimesh, watertight, files that load again."""

import numpy as np
import pytest

import kgan
from kgan.shapes import meshes

trimesh = pytest.importorskip("trimesh")


def mesh_of(shape):
    return np.asarray(shape.vertices), np.asarray(shape.faces)


def test_a_box_fills_exactly_its_cells():
    # 12 long in a cube of 16 with a margin of 2: sides 12 x 6 x 3 of a box 4 x 2 x 1, centered: z from 6.5 to 9.5 touches cells 6 to 9.
    voxels = meshes.voxelize(*mesh_of(trimesh.creation.box((4, 2, 1))), size=16, margin=2)
    expected = np.zeros((16, 16, 16), "int8")
    expected[2:14, 5:11, 6:10] = 1
    np.testing.assert_array_equal(voxels, expected)


def test_position_and_size_of_the_mesh_do_not_matter():
    vertices, faces = mesh_of(trimesh.creation.annulus(0.4, 1.0, 0.5))
    first = meshes.voxelize(vertices, faces, 32)
    np.testing.assert_array_equal(meshes.voxelize(7.0 * vertices + [3.0, -50.0, 0.25], faces, 32), first)


def test_only_closed_insides_are_filled():
    closed = mesh_of(trimesh.creation.icosphere(3))
    shell, full = (meshes.voxelize(*closed, 16, 1, fill=fill) for fill in (False, True))
    assert shell[8, 8, 8] == 0
    assert full[8, 8, 8] == 1
    assert (full >= shell).all()
    box = trimesh.creation.box((2, 2, 2))
    lid = box.face_normals[:, 2] < 0.5  # without its top
    vertices, faces = mesh_of(box)
    assert meshes.voxelize(vertices, faces[lid], 16, 1)[8, 8, 8] == 0


def test_the_surface_is_that_of_trimesh():
    vertices, faces = kgan.shapes.furniture_mesh("chair", 3)
    mine = meshes.voxelize(vertices, faces, 32, fill=False).astype(bool)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    scaled = (vertices - (low + high) / 2) * (30 - 1e-3) / (high - low).max() + 16
    # trimesh's cells have integer centers, ours integer corners.
    theirs = np.zeros_like(mine)
    grid = trimesh.Trimesh(scaled - 0.5, faces, process=False).voxelized(1.0, method="subdivide")
    theirs[tuple(np.round(grid.points).astype(int).T)] = True
    # They differ where a surface grazes a cell's border.
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.97


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), int), "empty"),
        (np.zeros((3, 3)), [[0, 1, 2]], "no extent"),
        (np.eye(3), [[0, 1, 3]], "indices of vertices"),
        (np.eye(3) * np.nan, [[0, 1, 2]], "NaN"),
        (np.eye(4), [[0, 1, 2]], r"\(n, 3\)"),
    ],
)
def test_what_is_no_mesh_is_refused(vertices, faces, message):
    with pytest.raises(ValueError, match=message):
        meshes.voxelize(vertices, faces, 16)


def noise(rng):
    """Occupancies of every kind, with cells that touch at edges and corners, and full ones at the border."""
    return np.round(rng.random((10, 10, 10)), 1)


def test_surfaces_are_watertight_and_hold_the_volume(rng):
    for voxels in (noise(rng), *(rng.random((10, 10, 10)) < p for p in (0.1, 0.3, 0.5, 0.7)), np.ones((6, 6, 6))):
        mesh = meshes.surface(voxels, 0.5, length=len(voxels))
        assert mesh.is_watertight
        assert mesh.volume > 0
        assert mesh.bounds.min() >= -0.5
        assert mesh.bounds.max() <= len(voxels) + 0.5
    # A ball of radius 8 cells in a cube of 24 that is 12 long: radius 4.
    grid = np.indices((24, 24, 24)) + 0.5 - 12
    ball = meshes.surface(((grid**2).sum(axis=0) < 64).astype("float32"), length=12.0)
    assert ball.volume == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.05)
    np.testing.assert_allclose(ball.bounds.mean(axis=0), 6.0, atol=0.05)


def test_axes_are_the_arrays():
    voxels = np.zeros((16, 16, 16))
    voxels[1:9, 2:6, 3:5] = 1
    mesh = meshes.surface(voxels, length=16)
    np.testing.assert_allclose(mesh.bounds, [[1, 2, 3], [9, 6, 5]], atol=1e-6)


def test_the_largest_component_alone():
    voxels = np.zeros((16, 16, 16))
    voxels[1:3, 1:3, 1:3] = voxels[8:12, 8:12, 8:12] = 0.9
    assert meshes.surface(voxels, length=16).bounds.min() < 2
    kept = meshes.surface(voxels, length=16, largest=True)
    assert kept.bounds.min() > 7
    assert len(kept.split(only_watertight=True)) == 1


@pytest.mark.parametrize("ending", ["stl", "obj", "glb"])
def test_files_load_again_as_the_same_body(ending, tmp_path, rng):
    mesh = meshes.surface(kgan.shapes.solids(1, size=16, classes=("chair",))[0][0], length=100.0)
    path = tmp_path / f"shape.{ending}"
    meshes.save_mesh(path, mesh)
    again = trimesh.load(path, force="mesh")
    again.merge_vertices()
    assert again.is_watertight
    assert again.volume == pytest.approx(mesh.volume, rel=1e-3)
    x, y, z = mesh.bounds.T
    expected = (x, z, -y[::-1]) if ending == "glb" else (x, y, z)
    np.testing.assert_allclose(again.bounds.T, expected, atol=1e-3)


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(ValueError, match="No cell reaches"):
        meshes.surface(np.full((8, 8, 8), 0.3))
    with pytest.raises(ValueError, match=r"\.stl, \.obj, \.glb"):
        meshes.save_mesh(tmp_path / "shape.step", trimesh.creation.box())
    open_box = trimesh.creation.box()
    open_box.update_faces(np.arange(12) > 0)
    with pytest.raises(ValueError, match="watertight"):
        meshes.save_mesh(tmp_path / "shape.stl", open_box)
