"""From arrays and files to `tf.data`, in an order that is a function of seed and epoch.

Such an order is what makes a resumed run see the data of the uninterrupted one; see `kgan.engine.rounds.clock`.
"""

import keras
import numpy as np

from kgan.arguments import COUNT, require
from kgan.datasets.images import find_images, open_image, read_image
from kgan.engine.rounds import clock, epoch_order, require_examples


def _tensorflow():
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "kgan.datasets.load returns a tf.data.Dataset and needs TensorFlow: pip install 'kgan[cpu]'. Without it, give fit() "
            "the arrays of kgan.datasets.arrays(...)."
        ) from error
    return tf


def _indices(tf, count, seed, shuffle, weights=None):
    def one_epoch(_):
        order = tf.numpy_function(lambda: epoch_order(count, seed, shuffle, weights).astype(np.int64), [], tf.int64)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (count,)))

    return tf.data.Dataset.from_tensors(0).flat_map(one_epoch)


def _finish(tf, dataset, batches):
    options = tf.data.Options()
    # Several workers: each takes its part of every minibatch, since all draw the same order.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)


def _check_batch_size(batch_size, count):
    require(COUNT, batch_size=batch_size)
    if count < batch_size:
        raise ValueError(f"The data set has {count} examples, fewer than one minibatch of {batch_size}.")


def from_arrays(arrays, batch_size, seed=0, shuffle=True, weights=None):
    """Minibatches from arrays in memory.

    Args:
        arrays: array or nest of arrays with one first axis.
        batch_size: int, examples per minibatch; an incomplete last one is dropped.
        seed: int, default 0. The order of an epoch is a function of `(seed, epoch)`; kgan's `fit` counts the epochs.
        shuffle: bool, default True.
        weights: probabilities of the examples, or None (default). With them an epoch draws as many examples with replacement.

    Returns:
        `tf.data.Dataset` of known cardinality.
    """
    tf = _tensorflow()
    count = len(keras.tree.flatten(arrays)[0])
    _check_batch_size(batch_size, count)
    with tf.device("CPU:0"):
        tensors = keras.tree.map_structure(tf.constant, arrays)
    # Batches of indices first, then one gather per batch: no per-example work.
    dataset = _indices(tf, count, seed, shuffle, weights).batch(batch_size, drop_remainder=True)
    dataset = dataset.map(lambda chosen: tf.nest.map_structure(lambda t: tf.gather(t, chosen), tensors))
    return _finish(tf, dataset, count // batch_size)


def share(rounds, size, per_round, replicas):
    """Order the examples of every round so that replicas, which get consecutive parts of it, share each of its minibatches."""
    if replicas == 1:
        return rounds
    if size % replicas:
        raise ValueError(f"Minibatches of {size} cannot be shared by {replicas} replicas. Use a multiple of {replicas}.")
    tf = _tensorflow()
    order = np.arange(per_round * size).reshape(per_round, replicas, size // replicas).transpose(1, 0, 2).ravel()
    return rounds.map(lambda *batch: tf.nest.map_structure(lambda t: tf.gather(t, order), batch[0] if len(batch) == 1 else batch))


def regroup(dataset, per_round, replicas=1):
    """Rounds of `per_round` minibatches from a data set of minibatches, and the first of them as NumPy arrays."""
    tf = _tensorflow()
    minibatch = next(iter(dataset.take(1)), None)
    if minibatch is None:
        raise ValueError("The data set is empty: it yields no minibatch.")
    sizes = {len(t) if len(t.shape) else 0 for t in keras.tree.flatten(minibatch)}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"Every component of a minibatch needs the same number of examples along its first axis. Received {sorted(sizes)}; "
            "is the data set batched? Call `.batch(batch_size)` on it."
        )
    (size,) = sizes
    rounds = dataset.rebatch(per_round * size, drop_remainder=True)
    first = next(iter(rounds.take(1)), None)
    if first is None:
        require_examples(sum(len(keras.tree.flatten(part)[0]) for part in dataset), per_round * size, per_round)
    minibatches = int(dataset.cardinality())
    if minibatches > 0:
        # TensorFlow forgets the cardinality. The last minibatch may be incomplete unless its size is static.
        if any(spec.shape[0] is None for spec in keras.tree.flatten(dataset.element_spec)):
            minibatches = max(per_round, minibatches - 1)
        count = minibatches // per_round
        rounds = rounds.take(count).apply(tf.data.experimental.assert_cardinality(count))
    return share(rounds, size, per_round, replicas), keras.tree.map_structure(lambda t: t.numpy(), first)


def to_float(dataset, dequantize=False, seed=0):
    """Minibatches of 8-bit images, or of `(images, labels)`, as float32 in [-1, 1].

    Args:
        dataset: `tf.data.Dataset`.
        dequantize: bool, default False: `x / 128 - 1 + U(0, 1/128)` instead of `x / 127.5 - 1`, with noise given by `seed`, the
            epoch and the minibatch.
    """
    tf = _tensorflow()

    def convert(index, batch):
        images = batch[0] if isinstance(batch, tuple) else batch
        images = tf.cast(images, tf.float32)
        if dequantize:
            epoch = tf.numpy_function(lambda: np.int64(clock.epoch), [], tf.int64)
            noise = tf.random.stateless_uniform(tf.shape(images), [seed, epoch * 1_000_003 + index], 0.0, 1.0 / 128.0)
            images = images / 128.0 - 1.0 + noise
        else:
            images = images / 127.5 - 1.0
        return (images, *batch[1:]) if isinstance(batch, tuple) else images

    return dataset.enumerate().map(convert, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def image_folder(path, batch_size=64, image_size=None, channels=3, seed=0, shuffle=True, corrupt="skip", dequantize=False):
    """Minibatches of the images in a folder, read and decoded as they are needed.

    Args:
        path: folder; subfolders are searched. Files are cut to their central square.
        batch_size: int, default 64; an incomplete last minibatch is dropped.
        image_size: int or None. None needs files of one size.
        channels: 1 (grey) or 3 (colour), default 3.
        seed, shuffle: as in `from_arrays`.
        corrupt: "skip" (default): unreadable files are left out, with a warning that counts and names them; "error": refused.
        dequantize: as in `load`.

    Returns:
        `tf.data.Dataset` of float32 `(batch_size, size, size, channels)` in [-1, 1].

    Raises:
        FileNotFoundError: no such folder. ValueError: no readable image, images of different sizes without `image_size`.
    """
    files, _ = find_images(path, corrupt)
    if image_size is None:
        image_size = common_size(files)
    return from_files(files, batch_size, image_size, channels, seed=seed, shuffle=shuffle, dequantize=dequantize)


def from_files(
    files, batch_size, image_size, channels=3, window=None, seed=0, shuffle=True, dequantize=False, *, labels=None, crop=None
):
    """Minibatches of image files, read and decoded as they are needed.

    Args:
        files: list of paths. batch_size, channels, seed, shuffle, dequantize: as in `image_folder`. image_size: int.
        window: int or None (default). A random window of this many pixels is taken from every image, given by `seed`, epoch and image.
        labels: array with a row a file, or None (default). crop: as in `read_image`, default None.

    Returns:
        `tf.data.Dataset` of float32 minibatches in [-1, 1], or of `(images, labels)`.
    """
    tf = _tensorflow()
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    if window is not None and not 1 <= window <= image_size:
        raise ValueError(f"`window` must lie between 1 and the image size {image_size}. Received: {window!r}.")
    _check_batch_size(batch_size, len(files))
    names = [str(p) for p in files]
    if labels is not None:
        with tf.device("CPU:0"):
            labels = tf.constant(labels)
    size = window or image_size

    def decode(index):
        def read(i):
            image = read_image(names[int(i)], image_size, channels, crop)
            if window is None:
                return image
            top, left = np.random.default_rng((seed, clock.epoch, int(i))).integers(0, image_size - window + 1, 2)
            return image[top : top + window, left : left + window]

        image = tf.ensure_shape(tf.numpy_function(read, [index], tf.uint8), (size, size, channels))
        return image if labels is None else (image, tf.gather(labels, index))

    dataset = _indices(tf, len(files), seed, shuffle).map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = _finish(tf, dataset.batch(batch_size, drop_remainder=True), len(files) // batch_size)
    return to_float(dataset, dequantize, seed)


def mirrored(dataset, seed=0):
    """Minibatches `(images, labels)` with every image mirrored, left for right, at a chance of one half.

    Which ones is a function of `seed`, the epoch and the minibatch.
    """
    tf = _tensorflow()

    def mirror(index, batch):
        images, labels = batch
        epoch = tf.numpy_function(lambda: np.int64(clock.epoch), [], tf.int64)
        chosen = tf.random.stateless_uniform(tf.shape(images)[:1], [seed, epoch * 1_000_003 + index]) < 0.5
        return tf.where(chosen[:, None, None, None], images[:, :, ::-1], images), labels

    return dataset.enumerate().map(mirror, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def common_size(files):
    sizes = {}
    for path in files:
        sizes.setdefault(min(open_image(path).size), path)
    if len(sizes) > 1:
        (a, first), (b, second) = list(sizes.items())[:2]
        raise ValueError(
            f"The images have different sizes: {first.name} gives a square of {a} pixels, {second.name} of {b}. "
            "Pass `image_size` to resize them all."
        )
    return next(iter(sizes))


def tfds_images(name, split, image_size=None):
    """Images and labels of a tensorflow-datasets set, square and of one size, in memory.

    Args:
        name: its name there, such as "cifar10"; split: as there. image_size: int or None, its own size.

    Returns:
        `(images, labels)`: uint8 (count, size, size, channels), int64.

    Raises:
        ImportError: tensorflow-datasets is not installed. RuntimeError: the files are not there and cannot be fetched; says
        which folder they belong in.
    """
    tf = _tensorflow()
    dataset = tfds_dataset(name, split)
    if "image" not in dataset.element_spec:
        raise ValueError(f"'tfds:{name}' has no feature 'image'; it has {sorted(dataset.element_spec)}.")

    def prepare(example):
        image = example["image"]
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


def tfds_dataset(name, split):
    """A set of tensorflow-datasets as it comes, in the order of its files. Errors as `tfds_images`."""
    _tensorflow()
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(f"'tfds:{name}' needs tensorflow-datasets: pip install 'kgan[tfds]'.") from error
    try:
        builder = tfds.builder(name)
        builder.download_and_prepare()
        return builder.as_dataset(split=split, shuffle_files=False)
    except Exception as error:
        folder = tfds.core.constants.DATA_DIR
        raise RuntimeError(
            f"The data set {name!r} of tensorflow-datasets could not be read or fetched ({type(error).__name__}: {error}). "
            'Without a network: prepare it on a machine that has one (python -c "import tensorflow_datasets as tfds; '
            f"tfds.load('{name}')\") and copy its folder to {folder}/{name.split('/')[0]}; files of sets that need a manual "
            f"download go to {folder}/downloads/manual. For images in a folder use 'folder:PATH'."
        ) from error
