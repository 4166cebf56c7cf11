"""Steganography one can use: hide bytes in a PNG picture, read them again. `pip install 'kgan[stego]'`."""

from kgan.stego.errors import AuthenticationError, CapacityError, StegoError
from kgan.stego.keys import write_key
from kgan.stego.tool import Capacity, Hidden, Revealed, capacity, hide, reveal

__all__ = [
    "AuthenticationError",
    "Capacity",
    "CapacityError",
    "Hidden",
    "Revealed",
    "StegoError",
    "capacity",
    "hide",
    "reveal",
    "write_key",
]
