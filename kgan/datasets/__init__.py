"""Data: embedded sets, image folders, tensorflow-datasets, shapes. Images are float32 in [-1, 1], channels last; voxels 0 and 1, int8."""

from kgan.backend.feeding import from_arrays
from kgan.datasets.attribute_lists import read_attributes
from kgan.datasets.celeba import celeba
from kgan.datasets.covers import GRAY_PHOTOS, bossbase, cover_folder, cover_variants, gray_patches, gray_photo, read_pgm
from kgan.datasets.domains import CHANGES, attribute_domains, edges, halves, load_domains, negatives, rgbd_folder, thicken, usps
from kgan.datasets.embedded import stack_digits
from kgan.datasets.faces import FACE_ATTRIBUTES, draw_faces
from kgan.datasets.few_labels import semi_supervised
from kgan.datasets.flow import flow_examples, motorcycle, read_flow, warped_pairs, write_flow
from kgan.datasets.folders import image_folder
from kgan.datasets.idx import idx_folder, read_idx
from kgan.datasets.labeled_images import labeled_images, read_labels
from kgan.datasets.loading import arrays, class_names, load, names
from kgan.datasets.mixtures import Mixture, gaussian1200, grid, ring, spirals
from kgan.datasets.photo_digits import on_photos
from kgan.datasets.pipeline import from_files
from kgan.datasets.placed import place
from kgan.datasets.simulators import glyphs
from kgan.datasets.subspaces import subspaces
from kgan.datasets.tags import TEST_PHOTOS, in_photos, tags
from kgan.datasets.unpaired import unpaired
from kgan.datasets.videos import moving_clips, panning_clips, read_video
from kgan.images import pad, read_image, resize, to_uint8

__all__ = [
    "CHANGES",
    "FACE_ATTRIBUTES",
    "GRAY_PHOTOS",
    "TEST_PHOTOS",
    "Mixture",
    "arrays",
    "attribute_domains",
    "bossbase",
    "celeba",
    "class_names",
    "cover_folder",
    "cover_variants",
    "draw_faces",
    "edges",
    "flow_examples",
    "from_arrays",
    "from_files",
    "gaussian1200",
    "glyphs",
    "gray_patches",
    "gray_photo",
    "grid",
    "halves",
    "idx_folder",
    "image_folder",
    "in_photos",
    "labeled_images",
    "load",
    "load_domains",
    "motorcycle",
    "moving_clips",
    "names",
    "negatives",
    "on_photos",
    "pad",
    "panning_clips",
    "place",
    "read_attributes",
    "read_flow",
    "read_idx",
    "read_image",
    "read_labels",
    "read_pgm",
    "read_video",
    "resize",
    "rgbd_folder",
    "ring",
    "semi_supervised",
    "spirals",
    "stack_digits",
    "subspaces",
    "tags",
    "thicken",
    "to_uint8",
    "unpaired",
    "usps",
    "warped_pairs",
    "write_flow",
]
