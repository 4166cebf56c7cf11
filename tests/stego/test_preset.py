"""The tool on the networks that come with kgan: photos there and back, weights that are others, damaged or no hiders at all."""

import numpy as np
import pytest

import kgan
from kgan import stego
from kgan.stego.channel import Channel, channel_of
from tests.stego.standin import save

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.usefixtures("_cheap")]
KEY = b"a key"


@pytest.fixture
def photo(tmp_path):
    from skimage import data

    return save(tmp_path / "photo.png", np.ascontiguousarray(data.astronaut()[:128, 128:259]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("preset")
    kgan.SteganographyGAN.from_preset().save_to_preset(made)
    return made


def test_capacity_there_and_back(tmp_path, photo, folder):
    room = stego.capacity(photo)
    assert room.bytes > 300
    assert room.bit_error_rate < 0.01
    message = np.random.default_rng(0).bytes(room.bytes)
    done = stego.hide(photo, message, tmp_path / "out.png", key=KEY)
    assert done.psnr > 35
    assert done.ssim > 0.98
    assert stego.reveal(tmp_path / "out.png", key=KEY).message == message
    # The same weights from other files.
    found = stego.reveal(tmp_path / "out.png", key=KEY, model=folder)
    assert (found.message, found.weights) == (message, done.weights)
    with pytest.raises(stego.AuthenticationError):
        stego.reveal(tmp_path / "out.png", key=KEY + b"2")
    with pytest.raises(stego.AuthenticationError):
        stego.reveal(photo, key=KEY)


def test_pictures_without_texture(tmp_path):
    """Flat gray, black, white, and an edge between the last two."""
    flat = {"gray": 128, "black": 0, "white": 255}
    pictures = {name: np.full((224, 224, 1), level, "uint8") for name, level in flat.items()}
    pictures["edge"] = np.where(np.arange(224)[:, None, None] < 101, 0, 255).repeat(224, axis=1).astype("uint8")
    for name, pixels in pictures.items():
        cover = save(tmp_path / f"{name}.png", pixels)
        done = stego.hide(cover, b"m" * 40, tmp_path / "out.png", key=KEY, overwrite=True)
        assert done.psnr > 35
        assert stego.reveal(tmp_path / "out.png", key=KEY).message == b"m" * 40


def test_other_weights(tmp_path, photo):
    stego.hide(photo, b"m", tmp_path / "out.png", key=KEY)
    other = kgan.SteganographyGAN.from_preset()
    weight = other.bob.weights[0]
    weight.assign(np.nextafter(np.asarray(weight), np.float32(9)))
    assert Channel(other).fingerprint != channel_of().fingerprint
    with pytest.raises(stego.AuthenticationError):
        stego.reveal(tmp_path / "out.png", key=KEY, model=other)
    # Eve is no part of the agreement.
    same = kgan.SteganographyGAN.from_preset()
    same.eve.weights[0].assign(np.asarray(same.eve.weights[0]) + 1)
    assert stego.reveal(tmp_path / "out.png", key=KEY, model=same).message == b"m"


def test_folders_that_are_refused(photo, folder):
    weights = folder / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = bytes(content)
    content[len(content) // 2] ^= 1
    weights.write_bytes(damaged)
    try:
        with pytest.raises(stego.StegoError, match=r"no model to hide with.*differs from its SHA-256 sum"):
            stego.capacity(photo, model=folder)
    finally:
        weights.write_bytes(content)
    assert stego.capacity(photo, model=folder).bytes > 300
    with pytest.raises(stego.StegoError, match="no model to hide with"):
        stego.capacity(photo, model=photo.parent)


def test_models_that_are_refused(photo):
    untrained = kgan.SteganographyGAN((32, 32, 1), residual=True, seed=0)
    with pytest.raises(stego.CapacityError, match=r"of its bits are misread, and 3% is the most"):
        stego.capacity(photo, model=untrained)
    with pytest.raises(stego.StegoError, match=r"gray tiles.*3 channels"):
        stego.capacity(photo, model=kgan.SteganographyGAN((32, 32, 3), residual=True))
    with pytest.raises(ValueError, match="16x16"):
        stego.capacity(photo, model=kgan.SteganographyGAN((16, 16, 1)))
    with pytest.raises(stego.StegoError, match="hides nothing"):
        stego.capacity(photo, model=kgan.GAN((2,)))
