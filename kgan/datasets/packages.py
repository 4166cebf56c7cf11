"""Packages that bring data sets along: extras, imported where a set is asked for."""

import importlib
from typing import Any


def need(module: str, extra: str) -> Any:
    """A module of a package that may not be installed. ImportError: says how to install it, by the name of kgan's extra."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"This data set comes with {module.split('.')[0]}. Install it: pip install 'kgan[{extra}]'.") from error
