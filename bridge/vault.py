"""Secrets: what is stored of them, and how they are opened again."""

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

from bridge.errors import StartError
from bridge.settings import Settings

KEY_FILE = "secret.key"
MOST_OPENED = 1000
MARKER = "sealed-marker"  # the fact by which a database knows its key


def new_token() -> str:
    """A random authorization token: 32 hexadecimal digits, 128 bits."""
    return secrets.token_hex(16)


def new_key() -> str:
    """A random key, as BRIDGE_SECRET_KEY and the key file hold it."""
    return Fernet.generate_key().decode()


def digest(token: str) -> str:
    """What is stored of a token: it finds the connection but does not give the token back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Vault:
    """Seals and opens secrets with the installation's keys: the newest seals, each opens.

    Keys from a file are read again when it changed, before anything is sealed or opened, so that they can be
    rotated under running processes. A file that cannot be used any more leaves the keys as they were.
    """

    def __init__(self, keys: str | Path) -> None:
        self._file = keys if isinstance(keys, Path) else None
        self._seen = self._look()
        self._fernets = _fernets(read_key_file(keys) if isinstance(keys, Path) else keys)
        self._opened: dict[str, dict[str, str] | None] = {}

    def seal(self, values: Mapping[str, str]) -> str:
        """Encrypt names and values to one text that may be stored."""
        return self._encrypt(dict(values))

    def open(self, sealed: str) -> dict[str, str] | None:
        """The sealed names and values; None where the text is forged or of another key.

        What was opened is remembered while the keys stay: every call needs it, and decrypting costs more than the rest.
        """
        self._current()
        if sealed not in self._opened:
            if len(self._opened) >= MOST_OPENED:
                self._opened = {}
            opened = self._decrypt(sealed)
            self._opened[sealed] = opened if isinstance(opened, dict) else None
        return self._opened[sealed]

    def sign(self, *words: str) -> str:
        """A token that carries these words and when it was made; it is nothing that `open` opens."""
        return self._encrypt(words)

    def signed(self, token: str, max_age: int) -> list[str] | None:
        """The words of a token; None where it is forged, of another key, no token, or over max_age seconds old."""
        words = self._decrypt(token, max_age)
        return words if isinstance(words, list) else None

    def renewed(self, sealed: str) -> str | None:
        """The same, sealed with the newest key: itself where it is so already, None where it cannot be opened."""
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
        """The keys as they are now."""
        seen = self._look()
        if self._file and seen and seen != self._seen:
            with suppress(StartError):
                self._fernets, self._seen, self._opened = _fernets(read_key_file(self._file)), seen, {}
        return self._fernets

    def _look(self) -> tuple[int, int] | None:
        """What tells one key file from the next, None where there is none."""
        try:
            found = self._file and self._file.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns) if found else None


def open_vault(settings: Settings, *, first: bool = True) -> Vault:
    """The vault with the key from the settings or else the key file, which the first start makes with mode 0600.

    Raises StartError where there is no key that can be used.
    """
    if settings.secret_key:
        return Vault(settings.secret_key)
    path = settings.data_dir / KEY_FILE
    try:
        if first and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_key_file(path)
        owner_only(path)
    except FileNotFoundError:
        raise StartError(
            f"The key file {path} is missing, and this database was sealed with it: put it back, or its content into "
            "BRIDGE_SECRET_KEY"
        ) from None
    except OSError as error:
        raise StartError(f"The key file {path} cannot be used: {error.strerror}") from None
    return Vault(path)


def make_key_file(path: Path, owner: tuple[int, int] | None = None) -> bool:
    """Put a new key there, unless there is a file, which stays; whether it was put there."""
    with _draft(path, new_key(), owner) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
    return True


def write_key_file(path: Path, keys: str, owner: tuple[int, int] | None = None) -> None:
    """Put these keys there, in place of what is there; at no moment is there half a file."""
    with _draft(path, keys, owner) as draft:
        os.replace(draft, path)


def owner_only(path: Path) -> None:
    """Take a file that is ours from everybody else's eyes."""
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.getuid():
        path.chmod(0o600)


@contextmanager
def rotation(settings: Settings) -> Iterator[Vault]:
    """A vault whose newest key is new, for as long as everything is sealed anew; then older keys are forgotten.

    The key before stays until the next rotation: a process may be just about to store what it sealed with it, and
    access tokens that it signed are still about. Where the keys are in BRIDGE_SECRET_KEY the newest of those is
    the new one; raises StartError where it is the only one.
    """
    if settings.secret_key:
        if len(_fernets(settings.secret_key)) < 2:
            raise StartError(
                "BRIDGE_SECRET_KEY holds one key: put one of `linnworks-bridge keys new` in front of it, with a comma "
                "between them, restart the service, and rotate then"
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
        raise StartError("The secret key is not one that `linnworks-bridge keys new` made")
    return fernets


def read_key_file(path: Path) -> str:
    """The keys in a file; raises StartError where it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The key file {path} cannot be read ({type(error).__name__})") from None


@contextmanager
def _draft(path: Path, text: str, owner: tuple[int, int] | None) -> Iterator[str]:
    """The text in a file beside the path, whole and on disk, readable by its owner only, gone afterwards."""
    descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            if owner:
                os.fchown(descriptor, *owner)
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        Path(draft).unlink(missing_ok=True)
