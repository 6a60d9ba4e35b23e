"""Secrets: what is stored of them, and how they are opened again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bridge.errors import StartError
from bridge.settings import Settings

KEY_FILE = "secret.key"


def new_token() -> str:
    """A random authorization token: 32 hexadecimal digits, 128 bits."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """What is stored of a token: it finds the connection but does not give the token back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Vault:
    """Seals and opens secrets with the installation's key, the newest of several keys first."""

    def __init__(self, keys: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
        except ValueError:
            raise StartError("The secret key is not one that `bridge key` made") from None

    def seal(self, values: Mapping[str, str]) -> str:
        """Encrypt names and values to one text that may be stored."""
        return self._fernet.encrypt(json.dumps(dict(values)).encode()).decode()

    def open(self, sealed: str, max_age: int | None = None) -> dict[str, str] | None:
        """The sealed names and values; None where the text is forged, of another key, or over max_age seconds."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed.encode(), ttl=max_age))
        except (InvalidToken, UnicodeEncodeError):
            return None
        return opened


def open_vault(settings: Settings) -> Vault:
    """The vault with the key from the settings or the key file, which is made (mode 0600) when missing."""
    return Vault(settings.secret_key or _key_file(settings.data_dir / KEY_FILE))


def _key_file(path: Path) -> str:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, Fernet.generate_key().decode())
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The key file {path} cannot be used: {error}") from None


def _write_once(path: Path, text: str) -> None:
    """Write the whole file or none of it; where another process was first, its file stays."""
    descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # readable by its owner only
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
