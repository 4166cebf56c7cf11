"""Steganography one can use, `pip install 'kgan[stego]'`: hide bytes in a PNG picture, read them again; and what finds them."""

from kgan.stego.errors import AuthenticationError, CapacityError, StegoError
from kgan.stego.keys import write_key
from kgan.stego.learned_steganalysis import Steganalyzer, steganalyzer
from kgan.stego.steganalysis import (
    Detection,
    chi_square,
    detection,
    rs_analysis,
    sample_pairs,
    weighted_stego,
    wilson_interval,
)
from kgan.stego.tool import Capacity, Hidden, Revealed, capacity, hide, reveal

__all__ = [
    "AuthenticationError",
    "Capacity",
    "CapacityError",
    "Detection",
    "Hidden",
    "Revealed",
    "Steganalyzer",
    "StegoError",
    "capacity",
    "chi_square",
    "detection",
    "hide",
    "reveal",
    "rs_analysis",
    "sample_pairs",
    "steganalyzer",
    "weighted_stego",
    "wilson_interval",
    "write_key",
]
