"""The installation secret: from the settings, or a file in the data folder, made once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from service.kit.errors import ConfigurationError

FILE = "secret"
_BYTES = 32


def installation_secret(configured: str | None, data_dir: Path) -> bytes:
    """Return the secret, made and kept where there is none yet.

    Args:
        configured: the setting; several machines need the same.
        data_dir: where the file is kept otherwise, readable by its owner alone.

    Raises:
        ConfigurationError: the file can neither be read nor made, or holds nothing.
    """
    if configured:
        return configured.encode()
    path = data_dir / FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _make(path)
        found = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: the installation secret can neither be read nor made ({error}); "
            "or set VERINOTE_SECRET"
        ) from error
    if not found:
        raise ConfigurationError(f"{path}: is empty; remove it, or set VERINOTE_SECRET")
    return found.encode()


def _make(path: Path) -> None:
    """Write the file whole, unless another process did."""
    if path.exists():
        return
    half = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_BYTES))
    try:
        os.link(half, path)  # fails where another was quicker; then theirs is the secret
    except FileExistsError:
        pass
    finally:
        half.unlink()
