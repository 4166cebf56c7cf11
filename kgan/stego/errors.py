"""What can go wrong, each once. Texts never hold a key, a passphrase or a message."""

import importlib
from typing import Any


class StegoError(ValueError):
    """Something the user can mend: a file, a name, a key."""


class CapacityError(StegoError):
    """The picture does not hold what it is to hold."""


class AuthenticationError(StegoError):
    """Wrong key, other weights, a changed picture, or nothing hidden: from outside they look the same, and the text is one."""

    def __init__(self) -> None:
        super().__init__(
            "authentication failed: the key is wrong, the weights are others, the image was changed, or it holds no message."
        )


def need(module: str, extra: str = "stego") -> Any:
    """Import a package of an extra, or say how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(f"This needs {package}. Install it: pip install 'kgan[{extra}]'.") from error
