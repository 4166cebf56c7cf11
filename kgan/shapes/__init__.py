"""Shapes of voxels: drawn solids and furniture, readers of meshes, surfaces to print and view, and what measures them."""

from kgan.shapes.drawn import furniture, furniture_mesh, render, solids, views
from kgan.shapes.figures import average_precision, connected_components, linear_accuracy, mean_shape_iou, shape_report, voxel_iou
from kgan.shapes.mesh_files import modelnet, read_binvox, read_mat, read_off
from kgan.shapes.meshes import largest_component, save_mesh, surface, voxelize

__all__ = [
    "average_precision",
    "connected_components",
    "furniture",
    "furniture_mesh",
    "largest_component",
    "linear_accuracy",
    "mean_shape_iou",
    "modelnet",
    "read_binvox",
    "read_mat",
    "read_off",
    "render",
    "save_mesh",
    "shape_report",
    "solids",
    "surface",
    "views",
    "voxel_iou",
    "voxelize",
]
