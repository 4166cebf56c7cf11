"""Secrets: where they come from, and the keys made of them.

A secret is a key file's bytes or a passphrase. Scrypt (RFC 7914; N 2^16, r 8, p 1: 64 MiB, some 0.2 s) makes the master key from it,
with the 16 random bytes of salt in the picture and all that both sides must agree on: version, weights, size. Everything else is
expanded from the master key, a label for each use (HKDF, RFC 5869, SHA-256).
"""

import hashlib
import os
import stat
import unicodedata
from pathlib import Path
from typing import Any, NoReturn

from kgan.files import atomic_write
from kgan.stego.errors import AuthenticationError, StegoError, need

VARIABLE = "KGAN_STEGO_PASSPHRASE"
SALT, NONCE, TAG = 16, 12, 16
COST = 2**16
_LARGEST = 2**20


class Secret:
    """Bytes that no text shows."""

    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        # Scrypt begins with an HMAC, which takes a key and the same with zeros behind for one.
        self._material = hashlib.sha256(material).digest()

    def __repr__(self) -> str:
        return "Secret(not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not stored.")

    def master(self, salt: bytes, context: bytes) -> "Keys":
        """The master key of one message; some 0.2 s and 64 MiB."""
        scrypt = need("cryptography.hazmat.primitives.kdf.scrypt").Scrypt
        bound = hashlib.sha256(b"kgan stego master" + context + salt).digest()
        return Keys(scrypt(salt=bound, length=32, n=COST, r=8, p=1).derive(self._material))


class Keys:
    """What the master key of one message opens: an order, a mask, a sealed body."""

    __slots__ = ("_master",)

    def __init__(self, master: bytes) -> None:
        self._master = master

    def __repr__(self) -> str:
        return "Keys(not shown)"

    def expand(self, label: bytes, length: int = 32) -> bytes:
        """Key bytes for one use."""
        kdf = need("cryptography.hazmat.primitives.kdf.hkdf").HKDFExpand
        hashes = need("cryptography.hazmat.primitives.hashes")
        return kdf(hashes.SHA256(), length, b"kgan stego " + label).derive(self._master)

    def _cipher(self) -> Any:
        return need("cryptography.hazmat.primitives.ciphers.aead").AESGCM(self.expand(b"body"))

    def seal(self, nonce: bytes, message: bytes, associated: bytes) -> bytes:
        """AES-256-GCM: the message encrypted, 16 bytes longer by its tag, which covers the associated bytes too."""
        return self._cipher().encrypt(nonce, message, associated)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The message. Raises AuthenticationError."""
        invalid = need("cryptography.exceptions").InvalidTag
        try:
            return self._cipher().decrypt(nonce, sealed, associated)
        except invalid:
            raise AuthenticationError from None


def secret_of(key: str | Path | bytes | None = None, passphrase: str | None = None) -> Secret:
    """The secret of exactly one source.

    Args:
        key: path of a key file, or its bytes. passphrase: str; its Unicode form does not matter (NFC).

    Raises:
        StegoError: none or both; empty; a file that cannot be read.
    """
    if (key is None) == (passphrase is None):
        raise StegoError("Give either a key file or a passphrase.")
    if passphrase is not None:
        if not isinstance(passphrase, str):
            raise TypeError("The passphrase must be a str; key bytes go to `key`.")
        if not passphrase:
            raise StegoError("The passphrase is empty.")
        try:
            return Secret(b"passphrase\0" + unicodedata.normalize("NFC", passphrase).encode())
        except UnicodeEncodeError:  # whose text would show part of it
            raise StegoError("The passphrase is no valid text.") from None
    if isinstance(key, (bytes, bytearray)):
        material, name = bytes(key), "The key"
    elif isinstance(key, (str, Path)):
        material, name = read_limited(key, _LARGEST, "key file"), f"The key file {str(key)!r}"
    else:
        raise TypeError("`key` must be the path of a key file, or bytes.")
    if not material.strip():
        raise StegoError(f"{name} is empty.")
    if len(material) > _LARGEST:
        raise StegoError(f"{name} is larger than 1 MiB.")
    return Secret(b"key file\0" + material)


def read_limited(path: str | Path, limit: int, what: str) -> bytes:
    """A file's bytes, at most one more than the limit, which a pipe or a device may be without end."""
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise StegoError(f"The {what} {str(path)!r} is a folder.")
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no {what} {str(path)!r}.") from None
    except OSError as error:
        raise StegoError(f"The {what} {str(path)!r} cannot be read: {error.strerror}.") from None


def write_key(path: str | Path) -> None:
    """Write a key file of 32 random bytes that its owner alone may read. Never replaces a file.

    Losing it loses the messages; both sides need it, over a channel that is not the pictures'.

    Raises:
        StegoError: there is such a file, or the folder cannot be written.
    """
    write_private(path, os.urandom(32), overwrite=False)


def write_private(path: str | Path, content: bytes, overwrite: bool) -> None:
    """Write bytes for the owner alone, atomically."""
    try:
        atomic_write(path, lambda temporary: Path(temporary).write_bytes(content), overwrite=overwrite, mode=0o600)
    except FileExistsError:
        raise StegoError(f"{str(path)!r} exists. Choose another name.") from None
    except OSError as error:
        raise StegoError(f"{str(path)!r} cannot be written: {error.strerror}.") from None
