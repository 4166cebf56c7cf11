"""Names for what signatures speak of where Keras has no common type."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

Tensor = Any
"""A tensor of the backend, a `keras.KerasTensor` or a `keras.Variable`: Keras converts between them and types none."""
Array = np.ndarray[Any, np.dtype[Any]]
"""A NumPy array."""
Nest = Any
"""A tensor or array, or dicts, tuples and lists of them."""
Logs = Mapping[str, float]
"""Names of figures and their values."""
Config = dict[str, Any]
"""What `get_config` returns: JSON values and serialized Keras objects."""
SeedLike = int | keras.random.SeedGenerator | None
"""What `keras.random` takes as `seed`."""
Sizes = Sequence[int]
"""A shape, or other whole numbers."""
FilePath = str | os.PathLike[str]
"""Where a file or folder is, as `pathlib.Path` takes it."""
