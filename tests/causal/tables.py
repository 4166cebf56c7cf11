"""Names that could be mistaken for one another or for parts of paths, and something like a data frame."""

import numpy as np

ODD = ("a", "aa", "a/b", "ключ ключа", "node_0", '"', "a b:c")  # parts of one another, separators, quotes


class Frame:
    """As a data frame: it looks like an array, and its columns have names."""

    def __init__(self, columns):
        self.columns = columns
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def keys(self):
        return list(self.columns)

    def __contains__(self, name):
        return name in self.columns

    def __getitem__(self, name):
        return self.columns[name]

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        return np.stack(list(self.columns.values()), axis=-1).astype(dtype or "int64")
