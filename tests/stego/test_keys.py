"""Secrets: sources, what is refused, what no text shows."""

import os
import pickle

import pytest

from kgan import stego
from kgan.stego import keys

pytestmark = pytest.mark.usefixtures("_cheap")
PASSPHRASE = "correct horse battery"


def master(context=b"c", salt=b"s" * 16, **source):
    return keys.secret_of(**source).master(salt, context).expand(b"label")


def test_every_input_of_the_key_matters(tmp_path):
    (tmp_path / "key").write_bytes(PASSPHRASE.encode())
    base = master(passphrase=PASSPHRASE)
    assert base == master(passphrase=PASSPHRASE)
    others = [
        master(passphrase=PASSPHRASE + " "),
        master(passphrase=PASSPHRASE, salt=b"t" * 16),
        master(passphrase=PASSPHRASE, context=b"d"),
        master(passphrase=PASSPHRASE + "\0"),
        master(key=PASSPHRASE.encode()),
        keys.secret_of(passphrase=PASSPHRASE).master(b"s" * 16, b"c").expand(b"another"),
    ]
    assert len({base, *others}) == 7
    assert master(key=tmp_path / "key") == master(key=str(tmp_path / "key")) == master(key=PASSPHRASE.encode())
    # One letter as one character or as two.
    assert master(passphrase="caf\u00e9") == master(passphrase="cafe\u0301")


def test_scrypt_is_the_standard_one(monkeypatch):
    """The master key by the standard library, at the cost that is shipped."""
    import hashlib

    monkeypatch.undo()
    assert keys.COST == 2**16
    salt = hashlib.sha256(b"kgan stego master" + b"c" + b"s" * 16).digest()
    expected = hashlib.scrypt(hashlib.sha256(b"passphrase\0p").digest(), salt=salt, n=2**16, r=8, p=1, maxmem=2**27, dklen=32)
    assert keys.secret_of(passphrase="p").master(b"s" * 16, b"c")._master == expected


def test_a_sealed_body_opens_only_whole():
    one = keys.secret_of(passphrase="p").master(b"s" * 16, b"c")
    nonce = os.urandom(12)
    sealed = one.seal(nonce, b"message", b"header")
    assert one.open(nonce, sealed, b"header") == b"message"
    other = keys.secret_of(passphrase="q").master(b"s" * 16, b"c")
    attempts = [
        (other, nonce, sealed, b"header"),
        (one, nonce, sealed, b"Header"),
        (one, bytes(12), sealed, b"header"),
        (one, nonce, bytes([sealed[0] ^ 1]) + sealed[1:], b"header"),
        (one, nonce, sealed[:-1], b"header"),
    ]
    texts = set()
    for opener, *rest in attempts:
        with pytest.raises(stego.AuthenticationError) as caught:
            opener.open(*rest)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        texts.add(str(caught.value))
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "either"),
        ({"key": b"k", "passphrase": "p"}, "either"),
        ({"passphrase": ""}, "empty"),
        ({"passphrase": "secret\udc80word"}, "no valid text"),
        ({"key": b""}, "empty"),
        ({"key": b" \n"}, "empty"),
        ({"key": b"k" * (2**20 + 1)}, "1 MiB"),
        ({"key": "."}, "is a folder"),
        ({"key": "no/such/file"}, "no key file"),
    ],
)
def test_secrets_that_are_refused(source, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        keys.secret_of(**source)
    assert "word" not in str(caught.value)
    assert "word" not in repr(caught.value)


def test_wrong_types():
    with pytest.raises(TypeError, match="str"):
        keys.secret_of(passphrase=b"bytes")
    with pytest.raises(TypeError, match="path"):
        keys.secret_of(key=5)


def test_an_unreadable_key_file(tmp_path, monkeypatch):
    def shut(*arguments):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "key"
    path.write_bytes(b"k")
    monkeypatch.setattr("builtins.open", shut)
    with pytest.raises(stego.StegoError, match=r"key file .* cannot be read: Permission denied"):
        keys.secret_of(key=path)


def test_a_pipe_is_a_key_file(tmp_path):
    """`--key-file <(command)`: no secret on a disk; and one without end is cut off."""
    import threading

    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"piped",))
    writer.start()
    assert master(key=path) == master(key=b"piped")
    writer.join()
    with pytest.raises(stego.StegoError, match="1 MiB"):
        keys.secret_of(key="/dev/zero")


def test_a_secret_shows_and_stores_nothing():
    secret = keys.secret_of(passphrase=PASSPHRASE)
    one = secret.master(b"s" * 16, b"c")
    assert "horse" not in repr(secret) + str(secret) + format(secret)
    assert repr(one._master) not in repr(one)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_key_files(tmp_path):
    path = tmp_path / "key"
    stego.write_key(path)
    content = path.read_bytes()
    assert len(content) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(stego.StegoError, match="exists"):
        stego.write_key(path)
    assert path.read_bytes() == content
    with pytest.raises(stego.StegoError, match="cannot be written"):
        stego.write_key(tmp_path / "none" / "key")
    stego.write_key(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() != content
    assert {p.name for p in tmp_path.iterdir()} == {"key", "other"}


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.kdf.scrypt", None)
    with pytest.raises(ImportError, match=r"needs cryptography.*kgan\[stego\]"):
        keys.secret_of(passphrase="p").master(b"s" * 16, b"c")
