"""The vault: token digests, and encryption of the shops' credentials."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.errors import StartError, in_words
from bridge.settings import Settings

KEY_FILE = "secret.key"
CACHE_SIZE = 1000
MARKER = "sealed-marker"  # name of the installation fact that shows which key the database belongs to


def new_token() -> str:
    """Return a random authorization token: 32 hexadecimal digits, 128 bits."""
    return secrets.token_hex(16)


def new_key() -> str:
    """Return a random key for BRIDGE_SECRET_KEY or the key file."""
    return Fernet.generate_key().decode()


def digest(token: str) -> str:
    """Return the digest of a token, which is stored in its place: it identifies the connection without revealing it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Vault:
    """Encrypts with the newest of the installation's keys and decrypts with any of them.

    A key file is read again whenever it has changed, so that keys can be rotated while the service runs. If it cannot
    be used any more, the keys stay as they were.
    """

    def __init__(self, keys: str | Path) -> None:
        self._file = keys if isinstance(keys, Path) else None
        self._file_version = self._read_file_version()
        self._fernets = _fernets(read_key_file(keys) if isinstance(keys, Path) else keys)
        self._cache: dict[str, dict[str, str]] = {}

    def seal(self, values: Mapping[str, str]) -> str:
        """Encrypt names and values into one text that may be stored."""
        return self._encrypt(dict(values))

    def open(self, sealed: str) -> dict[str, str] | None:
        """Return the sealed names and values; None if the text is forged or of another key.

        What was opened is cached until `reload` finds other keys: every call needs it, and decrypting costs more than
        the rest.
        """
        found = self._cache.get(sealed)
        if found is None:
            opened = self._decrypt(sealed)
            if not isinstance(opened, dict):
                return None
            if len(self._cache) >= CACHE_SIZE:
                self._cache = {}
            found = self._cache[sealed] = opened
        return found

    def reload(self) -> None:
        """Read the key file again if it has changed, and forget what was opened before that."""
        self._current()

    def sign(self, *words: str) -> str:
        """Return a token that carries these words and the time; `open` does not open it."""
        return self._encrypt(words)

    def verify(self, token: str, max_age: int) -> list[str] | None:
        """Return the words of a token; None if it is forged, of another key or older than max_age seconds."""
        words = self._decrypt(token, max_age)
        return words if isinstance(words, list) else None

    def reencrypt(self, sealed: str) -> str | None:
        """Return a sealed text encrypted with the newest key, unchanged if it is already; None if no key opens it."""
        fernets = self._current()
        try:
            fernets[0].decrypt(sealed.encode())
        except InvalidToken:
            try:
                return MultiFernet(fernets).rotate(sealed.encode()).decode()
            except InvalidToken:
                return None
        return sealed

    def _encrypt(self, content: Any) -> str:
        return self._current()[0].encrypt(json.dumps(content).encode()).decode()

    def _decrypt(self, text: str, max_age: int | None = None) -> Any:
        try:
            return json.loads(MultiFernet(self._current()).decrypt(text.encode(), ttl=max_age))
        except (InvalidToken, UnicodeEncodeError):
            return None

    def _current(self) -> list[Fernet]:
        """Return the current keys."""
        version = self._read_file_version()
        if self._file and version and version != self._file_version:
            with suppress(StartError):
                self._fernets, self._file_version, self._cache = _fernets(read_key_file(self._file)), version, {}
        return self._fernets

    def _read_file_version(self) -> tuple[int, int] | None:
        """Return what changes when the key file is replaced or written; None if there is no file."""
        try:
            found = self._file and self._file.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns) if found else None


def open_vault(settings: Settings, *, create: bool = True) -> Vault:
    """Return the vault with the keys from the settings, or else from the key file.

    With `create`, a missing key file is created with mode 0600. Raises StartError if there is no usable key.
    """
    if settings.secret_key:
        return Vault(settings.secret_key)
    path = settings.data_dir / KEY_FILE
    try:
        if create and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_key_file(path)
        restrict_to_owner(path)
    except FileNotFoundError:
        raise StartError(
            f"The key file {path} is missing, and this database was sealed with it: restore it, or put its content "
            "into BRIDGE_SECRET_KEY; if it is lost for good, run `linnworks-bridge keys forget`"
        ) from None
    except OSError as error:
        raise StartError(f"The key file {path} cannot be used: {error.strerror}") from None
    return Vault(path)


def opens(keys: str | Path, sealed: str) -> bool:
    """Return whether these keys, or those in this file, open a sealed text."""
    try:
        return Vault(keys).open(sealed) is not None
    except StartError:  # there is no key, or something else is in its place
        return False


def make_key_file(path: Path) -> bool:
    """Write a new key file; False if there is a file already, which is left unchanged."""
    with _temporary_file(path, new_key(), None) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    return True


def write_key_file(path: Path, keys: str, owner: tuple[int, int] | None = None) -> None:
    """Write a key file, replacing an existing one in a single step."""
    with _temporary_file(path, keys, owner) as temporary:
        os.replace(temporary, path)


def restrict_to_owner(path: Path) -> None:
    """Let only the owner read a file, if it is ours."""
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.getuid():
        path.chmod(0o600)


@contextmanager
def rotation(settings: Settings) -> Iterator[Vault]:
    """Add a new key and yield the vault that encrypts with it; afterwards delete all but the newest two keys.

    The previous key stays until the next rotation: a process may be about to store what it has encrypted, and access
    tokens are still in use. If the keys are in BRIDGE_SECRET_KEY, the first of them is the new one; raises StartError
    if it is the only one.
    """
    if settings.secret_key:
        if len(_fernets(settings.secret_key)) < 2:
            raise StartError(
                "BRIDGE_SECRET_KEY holds one key: put one from `linnworks-bridge keys new` in front of it, with a "
                "comma between them, restart the service, then rotate"
            )
        yield Vault(settings.secret_key)
        return
    path = settings.data_dir / KEY_FILE
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # one rotation at a time
        keys = [new_key(), *read_key_file(path).split(",")]
        found = path.stat()
        owner = found.st_uid, found.st_gid  # root may rotate for the service
        write_key_file(path, ",".join(keys), owner)
        yield Vault(path)
        write_key_file(path, ",".join(keys[:2]), owner)
    finally:
        os.close(folder)


def _fernets(keys: str) -> list[Fernet]:
    try:
        fernets = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
    except ValueError:
        fernets = []
    if not fernets:
        raise StartError(
            "The secret key is not one that `linnworks-bridge keys new` made: restore it, or if it is lost for good, "
            "run `linnworks-bridge keys forget`"
        )
    return fernets


def read_key_file(path: Path) -> str:
    """Return the keys in a file; raises StartError if it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The key file {path} cannot be read: {in_words(error)}") from None


@contextmanager
def _temporary_file(path: Path, text: str, owner: tuple[int, int] | None) -> Iterator[str]:
    """Yield a file beside the path with this text, on disk and readable only by its owner; delete it afterwards."""
    descriptor, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            if owner:
                os.fchown(descriptor, *owner)
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)
