"""Hide, reveal, capacity: each promise with the fault that would break it, on the stand-in pair."""

import hashlib
import logging
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kgan import stego
from kgan.stego import coding, photos, protocol, tool
from kgan.stego.channel import Channel
from kgan.stego.keys import secret_of
from kgan.stego.tiles import Grid, order
from tests.stego.standin import BlockMeans, picture, save

pytestmark = pytest.mark.usefixtures("_cheap")
KEY = b"a key of 32 bytes, or some such."
FAILED = str(stego.AuthenticationError())


def read(path):
    return photos.read_png(path)[0]


def hidden(tmp_path, cover, model, message=b"to whom it may concern", **options):
    return stego.hide(cover, message, tmp_path / "out.png", **{"key": KEY, "model": model, "overwrite": True, **options})


def fails(path, model, **source):
    with pytest.raises(stego.AuthenticationError) as caught:
        stego.reveal(path, model=model, **(source or {"key": KEY}))
    assert str(caught.value) == FAILED


@pytest.mark.parametrize("shape", [(256, 256, 1), (259, 271, 1), (128, 130, 3)])
@pytest.mark.parametrize("source", [{"passphrase": "a b c"}, {"key": KEY}])
def test_round_trip(tmp_path, model, shape, source):
    cover = save(tmp_path / "cover.png", picture(*shape))
    before = cover.read_bytes()
    message = bytes(range(60))
    done = stego.hide(cover, message, tmp_path / "out.png", model=model, **source)
    found = stego.reveal(tmp_path / "out.png", model=model, **source)
    assert found.message == message
    assert found.weights == done.weights == Channel(model).fingerprint.hex()[:16]
    assert (found.bit_error_rate, found.corrected_symbols) == (done.bit_error_rate, done.corrected_symbols)
    assert cover.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"cover.png", "out.png"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_in_any_picture(tmp_path, data):
    """Sizes, contents and error rates by chance, up to the very capacity."""
    height, width = data.draw(st.integers(160, 200)), data.draw(st.integers(160, 200))
    channels, rate = data.draw(st.sampled_from([1, 3])), data.draw(st.sampled_from([0.0, 0.002, 0.01]))
    if channels == 1:
        height += 160
    cover = save(tmp_path / "cover.png", picture(height, width, channels, seed=data.draw(st.integers(0, 99))))
    model = BlockMeans(rate, seed=data.draw(st.integers(0, 99)))
    room = stego.capacity(cover, model=model).bytes
    message = data.draw(st.binary(min_size=1, max_size=room)) if data.draw(st.booleans()) else os.urandom(room)
    hidden(tmp_path, cover, model, message)
    assert stego.reveal(tmp_path / "out.png", key=KEY, model=model).message == message


def test_the_capacity_is_reached_and_no_byte_more(tmp_path, cover, model):
    room = stego.capacity(cover, model=model)
    assert 100 < room.bytes < 34 * 64 // 8
    assert room.bits_per_pixel == pytest.approx(8 * room.bytes / 256**2)
    assert 0 < room.bit_error_rate < 0.02
    message = os.urandom(room.bytes)
    assert hidden(tmp_path, cover, model, message).capacity_bytes == room.bytes
    assert stego.reveal(tmp_path / "out.png", key=KEY, model=model).message == message
    calls = model.calls
    with pytest.raises(stego.CapacityError, match=f"{room.bytes + 1:,} bytes, and this picture holds {room.bytes:,}"):
        stego.hide(cover, message + b"x", tmp_path / "another.png", key=KEY, model=model)
    assert not (tmp_path / "another.png").exists()
    trial = BlockMeans(error_rate=0.005)
    stego.capacity(cover, model=trial)
    assert model.calls - calls == trial.calls, "the message must be refused before anything is embedded"


def test_a_worse_channel_gets_a_stronger_code(cover):
    rooms = [stego.capacity(cover, model=BlockMeans(rate)) for rate in (0.0, 0.003, 0.01, 0.02)]
    assert sorted((r.bytes for r in rooms), reverse=True) == [r.bytes for r in rooms]
    assert sorted(r.correctable for r in rooms) == [r.correctable for r in rooms]
    with pytest.raises(stego.CapacityError, match=r"5\.\d% of its bits are misread, and 3% is the most"):
        stego.capacity(cover, model=BlockMeans(0.05))


def test_small_pictures(tmp_path, model):
    with pytest.raises(stego.CapacityError, match="31x200 pixels hold no tile"):
        stego.capacity(save(tmp_path / "a.png", picture(200, 31)), model=model)
    with pytest.raises(stego.CapacityError, match="20 tiles of 32x32 pixels, and a message of one byte takes 33"):
        stego.capacity(save(tmp_path / "b.png", picture(128, 160)), model=model)
    with pytest.raises(stego.CapacityError, match="too small"):
        stego.reveal(save(tmp_path / "c.png", picture(40, 40)), key=KEY, model=model)


def test_the_figures(tmp_path, model):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    cover = save(tmp_path / "cover.png", picture(150, 200, 3))
    done = hidden(tmp_path, cover, model, b"x" * 150)
    before, after = read(cover), read(tmp_path / "out.png")
    assert done.psnr == pytest.approx(peak_signal_noise_ratio(before, after), abs=1e-4)
    expected = structural_similarity(
        before, after, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert done.ssim == pytest.approx(expected, abs=1e-4)
    tiles = Grid(before.shape)
    every = np.arange(tiles.count)
    changed = (tiles.cut(before, every) != tiles.cut(after, every)).any(axis=(1, 2, 3)).sum()
    assert done.tiles_changed == changed < done.tiles == tiles.count == 72
    assert done.message_bytes == 150
    assert "xxx" not in repr(done)
    # Right of the last tile and below it nothing changes.
    np.testing.assert_array_equal(before[128:], after[128:])
    np.testing.assert_array_equal(before[:, 192:], after[:, 192:])


def test_similarity_in_strips(monkeypatch):
    a, b = picture(90, 40, 3), picture(90, 40, 3, seed=1)
    whole = tool.ssim(a, b)
    monkeypatch.setattr(tool, "_STRIP", 16)
    assert tool.ssim(a, b) == pytest.approx(whole, abs=1e-6)
    assert tool.psnr(a, a) == np.inf
    assert tool.psnr(np.zeros((4, 4, 1), "uint8"), np.ones((4, 4, 1), "uint8")) == pytest.approx(48.1308, abs=1e-4)


def test_a_short_message_changes_few_tiles(tmp_path):
    cover = save(tmp_path / "cover.png", picture(256, 256, 3))
    short, long = (hidden(tmp_path, cover, BlockMeans(), b"m" * length).tiles_changed for length in (1, 400))
    assert short < 40 < long < 192


def damaged(tmp_path, change):
    pixels = read(tmp_path / "out.png").astype(int)
    return save(tmp_path / "damaged.png", np.clip(change(pixels), 0, 255).astype("uint8"))


def noise(scale):
    return lambda pixels: pixels + np.random.default_rng(0).normal(scale=scale, size=pixels.shape).round()


def middle(pixels):
    pixels = pixels.copy()
    pixels[32:128, 32:192] += 2
    return pixels


TAMPERED = {
    "noise": noise(4),
    "a region 2 brighter": middle,
    "all 2 brighter": lambda p: p + 2,
    "cropped": lambda p: p[4:, 4:],
    "cropped below": lambda p: p[:-32],
    "shifted": lambda p: np.roll(p, 1, axis=1),
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: p.transpose(1, 0, 2),
    "lowest bits cleared": lambda p: p & ~3,
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_damage_beyond_repair_is_one_error(tmp_path, cover, model, kind):
    hidden(tmp_path, cover, model)
    fails(damaged(tmp_path, TAMPERED[kind]), model)


def test_all_other_failures_are_the_same_error(tmp_path, cover, model):
    hidden(tmp_path, cover, model)
    out = tmp_path / "out.png"
    fails(out, model, key=KEY + b"\n")
    fails(out, model, passphrase=KEY.decode())
    fails(out, BlockMeans(seed=1))  # other weights that read the very same bits
    fails(cover, model)  # nothing hidden
    # Another message's tiles in half of the picture.
    stego.hide(cover, b"to whom it may concern", tmp_path / "second.png", key=KEY, model=model)
    other = read(tmp_path / "second.png")
    fails(damaged(tmp_path, lambda p: np.concatenate([p[:128], other[128:]])), model)
    # Through a JPEG file and back.
    Image.open(out).save(tmp_path / "lossy.jpg", quality=75)
    with pytest.raises(stego.StegoError, match="JPEG, whose compression destroys"):
        stego.reveal(tmp_path / "lossy.jpg", key=KEY, model=model)
    Image.open(tmp_path / "lossy.jpg").save(tmp_path / "damaged.png")
    fails(tmp_path / "damaged.png", model)


def test_small_damage_is_repaired_and_counted(tmp_path, cover, model):
    done = hidden(tmp_path, cover, model, b"m" * 100)

    def flip(pixels):
        places = np.random.default_rng(0).integers(0, 256, (15, 2))
        pixels[places[:, 0], places[:, 1]] += 40
        return pixels

    found = stego.reveal(damaged(tmp_path, flip), key=KEY, model=model)
    assert found.message == b"m" * 100
    assert found.corrected_symbols > done.corrected_symbols


def test_no_forgery_in_many(tmp_path, cover, model):
    """Wrong keys and random damage of every strength: the message itself, or the error; never another one."""
    hidden(tmp_path, cover, model, b"m" * 60)
    pixels, generator, repaired = read(tmp_path / "out.png"), np.random.default_rng(0), 0
    secret, channel = secret_of(key=KEY), Channel(model)
    for trial in range(60):
        changed, other = pixels, secret
        if trial % 2:
            share = 10.0 ** generator.uniform(-4, 0)
            where = generator.uniform(size=pixels.shape) < share
            changed = np.where(where, generator.integers(0, 256, pixels.shape), pixels).astype("uint8")
        else:
            other = secret_of(key=KEY + bytes([trial]))
        try:
            assert tool._read(changed, other, channel).message == b"m" * 60
            assert trial % 2
            repaired += 1
        except stego.AuthenticationError:
            pass
    assert 3 < repaired < 27


def test_a_checksum_is_no_tag(cover, model, monkeypatch):
    """A header that is whole but was not what the sender authenticated."""
    channel, secret = Channel(model), secret_of(key=KEY)
    pixels, bound = read(cover), protocol._associated
    layout = protocol.Layout(pixels.shape, channel.bits, channel.fingerprint)

    def sent():
        tiles, bits = protocol.Envelope(layout, secret, 0).fill(b"m" * 30, 20)
        return layout.grid.paste(pixels, tiles, channel.embed(layout.grid.cut(pixels, tiles), bits))

    assert tool._read(sent(), secret, channel).message == b"m" * 30
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "_associated", lambda *args: bound(*args)[:-1] + b"x")
        other = sent()
    with pytest.raises(stego.AuthenticationError):
        tool._read(other, secret, channel)


class Failing(BlockMeans):
    """Writes nonsense from one call on, for some calls."""

    def __init__(self, first, last):
        super().__init__(0.005)
        self.first, self.last = first, last

    def hide(self, covers, bits):
        out = super().hide(covers, bits)
        return covers if self.first <= self.calls <= self.last else out


def trial_calls(cover):
    model = BlockMeans(0.005)
    stego.capacity(cover, model=model)
    return model.calls


def test_what_is_not_read_back_is_tried_in_another_order(tmp_path, cover):
    first = trial_calls(cover) + 1
    model = Failing(first, first + 1)
    assert hidden(tmp_path, cover, model).attempts == 3
    assert stego.reveal(tmp_path / "out.png", key=KEY, model=model).message == b"to whom it may concern"


def test_what_is_never_read_back_leaves_no_file(tmp_path, cover):
    old = save(tmp_path / "old.png", picture(seed=5)).read_bytes()
    for name in ("new.png", "old.png"):
        with pytest.raises(stego.StegoError, match="Nothing was written: in 8 orders"):
            stego.hide(cover, b"m", tmp_path / name, key=KEY, model=Failing(trial_calls(cover) + 1, 1000), overwrite=True)
    assert {p.name for p in tmp_path.iterdir()} == {"cover.png", "old.png"}
    assert (tmp_path / "old.png").read_bytes() == old


def test_it_is_the_written_file_that_is_read(tmp_path, cover, model, monkeypatch):
    """A fault between memory and file, and where the file is while it is checked."""
    saved, seen = Image.Image.save, []

    def darker(image, path, **options):
        seen.append((tmp_path / "out.png").exists())
        saved(Image.fromarray((np.asarray(image) // 8 * 8).astype("uint8")), path, **options)

    monkeypatch.setattr(Image.Image, "save", darker)
    with pytest.raises(stego.StegoError, match="Nothing was written"):
        hidden(tmp_path, cover, model)
    assert len(seen) == 8
    assert not any(seen)
    assert [p.name for p in tmp_path.iterdir()] == ["cover.png"]


def test_a_full_disk(tmp_path, cover, model, monkeypatch):
    def full(image, path, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(stego.StegoError, match="cannot be written: No space left"):
        hidden(tmp_path, cover, model)
    assert [p.name for p in tmp_path.iterdir()] == ["cover.png"]


def test_an_unwritable_folder(tmp_path, cover, model, monkeypatch):
    from kgan import files

    def shut(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", shut)
    with pytest.raises(stego.StegoError, match=r"out.png' cannot be written: Permission denied"):
        hidden(tmp_path, cover, model)


class Bright(BlockMeans):
    """Reads nothing in bright tiles."""

    def reveal(self, images, scores=False):
        read = super().reveal(images, scores=True)
        bright = images.mean(axis=(1, 2, 3)) > 0.5
        return np.where(bright[:, None], np.roll(read, 1, axis=1), read)


def test_areas_that_hold_nothing(tmp_path):
    """A corner where every second bit is misread: some tiles of 256, and still every message arrives, the longest too."""
    pixels = picture(512, 512)
    pixels[:32, :128] = np.maximum(pixels[:32, :128], 225)
    cover, model = save(tmp_path / "cover.png", pixels), Bright()
    room = stego.capacity(cover, model=model)
    assert 0.015 < room.bit_error_rate < 0.03
    for length in (1, 20, 60, 200, room.bytes):
        hidden(tmp_path, cover, model, b"m" * length)
        assert stego.reveal(tmp_path / "out.png", key=KEY, model=model).message == b"m" * length


def test_twice_the_same_is_never_the_same(tmp_path, cover, model):
    stego.hide(cover, b"m" * 50, tmp_path / "a.png", key=KEY, model=model)
    stego.hide(cover, b"m" * 50, tmp_path / "b.png", key=KEY, model=model)
    channel, pixels = Channel(model), [read(tmp_path / n) for n in ("a.png", "b.png")]
    grid = Grid(pixels[0].shape)
    a, b = (channel.scores(grid.cut(p, np.arange(grid.count))) > 0 for p in pixels)
    changed = (a != b).any(axis=1)
    assert changed.sum() > 40
    assert (a != b)[changed].mean() == pytest.approx(0.5, abs=0.1)


def test_bits_in_the_picture_look_random(tmp_path):
    """A message of zeros, read without the key: ones as often as zeros, in every tile used."""
    cover, model = save(tmp_path / "cover.png", picture(256, 256)), BlockMeans()
    hidden(tmp_path, cover, model, bytes(100))
    before, after = read(cover), read(tmp_path / "out.png")
    grid, channel = Grid(before.shape), Channel(model)
    every = np.arange(grid.count)
    used = (grid.cut(before, every) != grid.cut(after, every)).any(axis=(1, 2, 3))
    ones = (channel.scores(grid.cut(after, every[used])) > 0).mean()
    assert ones == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(64 * used.sum()))


def test_nothing_secret_is_logged_or_shown(tmp_path, cover, model, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    source = {"passphrase": "open sesame"}
    done = hidden(tmp_path, cover, model, b"buried at the oak", key=None, **source)
    found = stego.reveal(tmp_path / "out.png", model=model, **source)
    assert found.message == b"buried at the oak"
    shown = caplog.text + "".join(capsys.readouterr()) + repr(done) + repr(found) + str(vars(done))
    for word in ("sesame", "buried", "oak"):
        assert word not in shown
    envelope = protocol.Envelope(protocol.Layout((256, 256, 1), 64, b"f" * 32), secret_of(**source), 0)
    assert repr(envelope) == "Envelope(not shown)"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"message": "text"}, TypeError, "must be bytes; encode"),
        ({"message": b""}, ValueError, "empty"),
        ({"key": None}, ValueError, "either"),
        ({"output": "out.jpg"}, ValueError, "lossy"),
        ({"cover": "none.png"}, FileNotFoundError, "no picture"),
        ({"model": "no/folder"}, ValueError, "no folder 'no/folder' with a trained model"),
        ({"model": object()}, ValueError, "hides nothing"),
    ],
)
def test_what_hide_refuses(tmp_path, cover, model, monkeypatch, options, error, message):
    monkeypatch.chdir(tmp_path)
    arguments = {"cover": cover, "message": b"m", "output": "out.png", "key": KEY, "model": model, **options}
    with pytest.raises(error, match=message):
        stego.hide(**arguments)
    assert [p.name for p in tmp_path.iterdir()] == ["cover.png"]


def test_the_key_file_is_never_overwritten(tmp_path, cover, model):
    key = tmp_path / "key.png"
    stego.write_key(key)
    before = key.read_bytes()
    with pytest.raises(stego.StegoError, match="never overwritten"):
        stego.hide(cover, b"m", key, key=key, model=model, overwrite=True)
    assert key.read_bytes() == before


def test_conversions_are_told(tmp_path, model):
    pixels = np.concatenate([picture(256, 256, 3), picture(256, 256)], axis=-1)
    Image.fromarray(pixels).save(tmp_path / "cover.png")
    with pytest.raises(stego.StegoError, match="transparency is laid on white"):
        hidden(tmp_path, tmp_path / "cover.png", model)
    assert hidden(tmp_path, tmp_path / "cover.png", model, convert=True).notes == ("transparency is laid on white",)
    assert stego.reveal(tmp_path / "out.png", key=KEY, model=model).message == b"to whom it may concern"


def test_tiles():
    pixels = picture(100, 70, 3)
    grid = Grid(pixels.shape)
    assert (grid.rows, grid.columns, grid.count) == (3, 2, 18)
    cut = grid.cut(pixels, np.asarray([7, 17]))
    np.testing.assert_array_equal(cut[0, ..., 0], pixels[:32, 32:64, 1])
    np.testing.assert_array_equal(cut[1, ..., 0], pixels[64:96, 32:64, 2])
    pasted = grid.paste(pixels, np.asarray([7]), 255 - cut[:1])
    np.testing.assert_array_equal(pasted[:32, 32:64, 1], 255 - pixels[:32, 32:64, 1])
    assert (pasted != pixels).sum() == 32 * 32
    np.testing.assert_array_equal(grid.paste(pixels, np.arange(18), grid.cut(pixels, np.arange(18))), pixels)


def test_batches_do_not_matter(model):
    channel, grid = Channel(model), Grid((512, 512, 1))
    tiles = grid.cut(picture(512, 512), np.arange(130))
    whole = channel.scores(tiles)
    assert whole.shape == (130, 64)
    np.testing.assert_array_equal(whole[100:103], channel.scores(tiles[100:103]))


def test_the_format_does_not_change_unnoticed(monkeypatch):
    """Version 1 to the bit: orders, keys, header, codes, fill. Should this fail, raise `protocol.VERSION`."""
    assert order(b"key", 8).tolist() == [5, 7, 1, 2, 3, 0, 6, 4]
    monkeypatch.setattr(protocol.os, "urandom", lambda count: bytes(i % 251 for i in range(count)))
    layout = protocol.Layout((160, 224, 3), 64, b"f" * 32)
    tiles, bits = protocol.Envelope(layout, secret_of(passphrase="p"), 1).fill(b"version one", 9)
    assert hashlib.sha256(tiles.astype(">i4").tobytes() + bits.tobytes()).hexdigest()[:16] == "6e36d8b0cd496174"


def test_another_message_read_back_is_no_success(tmp_path, cover, model, monkeypatch):
    whole = tool.unseal
    monkeypatch.setattr(tool, "unseal", lambda *args: (b"another", *whole(*args)[1:]))
    with pytest.raises(stego.StegoError, match="Nothing was written"):
        hidden(tmp_path, cover, model)
    assert [p.name for p in tmp_path.iterdir()] == ["cover.png"]


def test_a_header_of_another_version(cover, model, monkeypatch):
    channel, secret, pixels = Channel(model), secret_of(key=KEY), read(cover)
    layout = protocol.Layout(pixels.shape, channel.bits, channel.fingerprint)
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "VERSION", 2)
        tiles, bits = protocol.Envelope(layout, secret, 0).fill(b"m", 20)
    with pytest.raises(stego.AuthenticationError):
        tool._read(layout.grid.paste(pixels, tiles, channel.embed(layout.grid.cut(pixels, tiles), bits)), secret, channel)


def test_the_code_follows_the_tiles_taken(model):
    """Ten wrong bytes by the whole picture; more where the body's own tiles ask for it and there is room; none where they cannot do."""

    class Order:
        layout = protocol.Layout((256, 256, 1), 64, b"f" * 32)  # 34 tiles, 272 bytes for the body

        def places(self, length, correctable):
            return (np.arange(12), None), (np.arange(12, 30), None), (np.arange(30, 64), None)

    def chosen(length, salt=0.0, header=0.0, body=0.0):
        errors = 64 * np.repeat([salt, header, body], [12, 18, 34])
        return tool._strength_here(Order(), length, errors, stego.Capacity(200, 0.001, 10, 64, 0.02), Channel(model))

    assert chosen(20) == 10
    assert chosen(20, salt=0.06) is chosen(20, header=0.06) is chosen(20, body=0.1) is None
    assert chosen(20, salt=0.04, header=0.04) == 10
    assert chosen(20, body=0.02) == coding.strength(0.02, 100) > 50
    most = chosen(130, body=0.02)  # as much as there is room for
    assert coding.largest(272, most) >= 130 + 16 > coding.largest(272, most + 1)
    assert 10 < most < 70
