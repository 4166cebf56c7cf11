"""From arrays and files to `tf.data`, in an order that is a function of seed and epoch.

Such an order is what makes a resumed run see the data of the uninterrupted one; see `kgan.backend.feeding.Clock`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.backend.execution import numpy_function
from kgan.backend.feeding import check_batch_size, epoch_indices, finish, tensorflow, with_epoch
from kgan.images import read_image, side
from kgan.types import Array, Nest, Tensor


def to_float(dataset: Any, dequantize: bool = False, seed: int = 0) -> Any:
    """Minibatches of 8-bit images, or of `(images, labels)`, as float32 in [-1, 1].

    Args:
        dataset: `tf.data.Dataset`.
        dequantize: default False: `x / 128 - 1 + U(0, 1/128)` instead of `x / 127.5 - 1`, with noise given by `seed`, the
            epoch and the minibatch.
    """
    tf = tensorflow()

    def convert(indexed: Nest, epoch: Tensor) -> Nest:
        index, batch = indexed
        images = batch[0] if isinstance(batch, tuple) else batch
        images = tf.cast(images, tf.float32)
        if dequantize:
            noise = tf.random.stateless_uniform(tf.shape(images), [seed, epoch * 1_000_003 + index], 0.0, 1.0 / 128.0)
            images = images / 128.0 - 1.0 + noise
        else:
            images = images / 127.5 - 1.0
        return (images, *batch[1:]) if isinstance(batch, tuple) else images

    indexed = with_epoch(tf, dataset.enumerate())
    return indexed.map(convert, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def gathered(places: Any, pixels: Array, labels: Array | None = None) -> Any:
    """Minibatches of images, or of `(images, labels)`, from minibatches of their places.

    Args:
        places: `tf.data.Dataset` of int64 (batch,).
        pixels: array (count, height, width, channels); a `numpy.memmap` is read as it is needed, another is copied once.
        labels: array with a row an image, or None (default).
    """
    tf = tensorflow()
    if isinstance(pixels, np.memmap):

        def take(chosen: Tensor) -> Tensor:
            picked = numpy_function(lambda rows: np.asarray(pixels[rows]), [chosen], pixels.dtype)
            return tf.ensure_shape(picked, (chosen.shape[0], *pixels.shape[1:]))
    else:
        with tf.device("CPU:0"):
            kept = tf.constant(pixels)

        def take(chosen: Tensor) -> Tensor:
            return tf.gather(kept, chosen)

    if labels is not None:
        with tf.device("CPU:0"):
            labels = tf.constant(labels)
    both = lambda chosen: take(chosen) if labels is None else (take(chosen), tf.gather(labels, chosen))  # noqa: E731
    return places.map(both, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def from_files(
    files: Sequence[Path],
    batch_size: int,
    image_size: int,
    channels: int = 3,
    window: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    dequantize: bool = False,
    *,
    labels: Array | None = None,
    crop: int | None = None,
    background: str = "white",
) -> Any:
    """Minibatches of image files, read and decoded as they are needed.

    Args:
        files: list of paths. batch_size, channels, seed, shuffle, dequantize: as in `image_folder`. image_size: int.
        window: default None: a random window of this many pixels is taken from every image, given by `seed`, epoch and image.
        labels: array with a row a file, or None (default). crop: as in `read_image`, default None. background: as in `image_folder`.

    Returns:
        `tf.data.Dataset` of float32 minibatches in [-1, 1], or of `(images, labels)`.
    """
    tf = tensorflow()
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    if window is not None and not 1 <= window <= image_size:
        raise ValueError(f"`window` must lie between 1 and the image size {image_size}. Received: {window!r}.")
    check_batch_size(batch_size, len(files))
    names = [str(p) for p in files]
    if labels is not None:
        with tf.device("CPU:0"):
            labels = tf.constant(labels)
    size = window or image_size

    def decode(index: Tensor, epoch: Tensor) -> Nest:
        def read(i: Any, epoch: Any) -> Array:
            image = read_image(names[int(i)], image_size, channels, crop, background)
            if window is None:
                return image
            top, left = np.random.default_rng((seed, int(epoch), int(i))).integers(0, image_size - window + 1, 2)
            return image[top : top + window, left : left + window]

        image = tf.ensure_shape(numpy_function(read, [index, epoch], tf.uint8), (size, size, channels))
        return image if labels is None else (image, tf.gather(labels, index))

    indices = with_epoch(tf, epoch_indices(tf, len(files), seed, shuffle))
    dataset = indices.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = finish(tf, dataset.batch(batch_size, drop_remainder=True), len(files) // batch_size)
    return to_float(dataset, dequantize, seed)


def mirrored(dataset: Any, seed: int = 0) -> Any:
    """Minibatches `(images, labels)` with every image mirrored, left for right, at a chance of one half.

    Which ones is a function of `seed`, the epoch and the minibatch.
    """
    tf = tensorflow()

    def mirror(indexed: Nest, epoch: Tensor) -> Nest:
        index, (images, labels) = indexed
        chosen = tf.random.stateless_uniform(tf.shape(images)[:1], [seed, epoch * 1_000_003 + index]) < 0.5
        return tf.where(chosen[:, None, None, None], images[:, :, ::-1], images), labels

    indexed = with_epoch(tf, dataset.enumerate())
    return indexed.map(mirror, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def common_size(files: Sequence[Path]) -> int:
    sizes: dict[int, Path] = {}
    for path in files:
        sizes.setdefault(side(path), path)
    if len(sizes) > 1:
        (a, first), (b, second) = list(sizes.items())[:2]
        raise ValueError(
            f"The images have different sizes: {first.name} gives a square of {a} pixels, {second.name} of {b}. "
            "Pass `image_size` (--image-size 64) to resize them all."
        )
    return next(iter(sizes))


def tfds_images(name: str, split: str, image_size: int | None = None) -> tuple[Array, Array]:
    """Images and labels of a tensorflow-datasets set, square and of one size, in memory.

    Args:
        name: its name there, such as "cifar10"; split: as there. image_size: default None, its own size.

    Returns:
        `(images, labels)`: uint8 (count, size, size, 1 or 3), int64. 16 bits are scaled by their range, transparency is laid on white.

    Raises:
        ImportError: tensorflow-datasets, or a package that it needs, is not installed. ValueError: no such set, or one without images of 8
        or 16 bits. RuntimeError: the files are not there and cannot be fetched, or not be read; says what failed.
    """
    tf = tensorflow()
    dataset = tfds_dataset(name, split)
    if "image" not in dataset.element_spec:
        raise ValueError(f"'tfds:{name}' has no feature 'image'; it has {sorted(dataset.element_spec)}.")
    spec = dataset.element_spec["image"]
    if spec.dtype not in (tf.uint8, tf.uint16) or spec.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"'tfds:{name}' holds images {spec.shape} of {spec.dtype.name}; 8 or 16 bits are read, with 1, 3 or 4 channels. Convert them, "
            "and pass arrays."
        )

    def prepare(example: Mapping[str, Tensor]) -> Nest:
        image = example["image"]
        if spec.dtype == tf.uint16:
            image = tf.cast((tf.cast(image, tf.int32) + 128) // 257, tf.uint8)
        if spec.shape[-1] == 4:
            color, cover = tf.split(tf.cast(image, tf.float32), (3, 1), axis=-1)
            image = tf.cast(tf.round(255.0 + (color - 255.0) * cover / 255.0), tf.uint8)
        side = tf.minimum(tf.shape(image)[0], tf.shape(image)[1])
        image = tf.image.resize_with_crop_or_pad(image, side, side)
        if image_size is not None:
            image = tf.image.resize(image, (image_size, image_size), "bicubic", antialias=True)
            image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        return image, tf.cast(example.get("label", 0), tf.int64)

    pairs = list(dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).as_numpy_iterator())
    images, labels = zip(*pairs, strict=True)
    if len({image.shape for image in images}) > 1:
        raise ValueError(f"The images of 'tfds:{name}' have different sizes. Pass `image_size` to resize them all.")
    return np.stack(images), np.asarray(labels)


def tfds_dataset(name: str, split: str) -> Any:
    """A set of tensorflow-datasets as it comes, in the order of its files. Errors as `tfds_images`."""
    tensorflow()
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(f"'tfds:{name}' needs tensorflow-datasets: pip install 'kgan[tfds]'. ({error})") from error
    try:
        builder = tfds.builder(name)
        builder.download_and_prepare()
        return builder.as_dataset(split=split, shuffle_files=False)
    except ImportError as error:
        raise ImportError(
            f"'tfds:{name}' needs a Python package that is not there: {error}. Install it: pip install {error.name or 'kgan[tfds]'}."
        ) from error
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"tensorflow-datasets has no set {name!r}; tensorflow_datasets.list_builders() names them. For images in a folder use "
            "'folder:PATH'."
        ) from error
    except Exception as error:
        what = f"The data set {name!r} of tensorflow-datasets could not be prepared ({type(error).__name__}: {error})."
        folder = tfds.core.constants.DATA_DIR
        if _of_network(error):
            what += (
                f' The network failed. Prepare it on a machine that has one (python -c "import tensorflow_datasets as tfds; '
                f"tfds.load('{name}')\") and copy its folder to {folder}/{name.split('/')[0]}. For images in a folder use 'folder:PATH'."
            )
        elif "manual" in str(error).lower():
            what += f" Its files are fetched by hand and go to {folder}/downloads/manual."
        raise RuntimeError(what) from error


def _of_network(error: BaseException | None) -> bool:
    """Whether an error is one of a connection, of whichever package, or comes of such a one."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"ConnectionError", "HTTPError", "URLError", "Timeout", "TimeoutError", "gaierror", "DownloadError"}:
            return True
        error = error.__cause__ or error.__context__
    return False
