"""A cheap scrypt, a picture in a file, and the stand-in pair."""

import pytest

from kgan.stego import keys
from tests.stego.standin import BlockMeans, picture, save


@pytest.fixture
def _cheap(monkeypatch):
    monkeypatch.setattr(keys, "COST", 2**4)


@pytest.fixture
def cover(tmp_path):
    return save(tmp_path / "cover.png", picture())


@pytest.fixture
def model():
    return BlockMeans(error_rate=0.005)
