"""The run's folder: what is in it, and how asking commands find the site again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.load import load_site
from config.schema import SiteSettings
from crosscam.errors import AppError

_RUN_FILE = "run.json"
_OURS = ("store", "spool", "logs", "health", _RUN_FILE)


def prepare(data: Path, site: SiteSettings, site_file: Path) -> None:
    """Make the folder and note which site it belongs to.

    Raises:
        AppError: The folder holds another site's run.
        OSError: The folder cannot be made or written.
    """
    data.mkdir(parents=True, exist_ok=True)
    noted = _noted(data)
    if noted and noted.get("site") != site.site:
        raise AppError(
            f"{data} holds a run of site {noted.get('site')!r}, not {site.site!r}: "
            "choose another --data, or --fresh to delete that run"
        )
    content = json.dumps({"site": site.site, "site_file": str(site_file.resolve())})
    temporary = data / f"{_RUN_FILE}.new"
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(data / _RUN_FILE)


def make_fresh(data: Path) -> None:
    """Delete what an earlier run left; anything else in the folder stays.

    Raises:
        AppError: The folder holds files but no run of ours.
    """
    if not data.exists():
        return
    if any(data.iterdir()) and not _noted(data):
        raise AppError(f"{data} holds no run of crosscam; it is not touched")
    for name in _OURS:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def site_of(data: Path, site_file: Path | None) -> SiteSettings:
    """The settings that asking commands use.

    Raises:
        AppError: No site file is given and the folder holds no run.
        ConfigError: The site file is wrong.
    """
    if site_file is not None:
        return load_site(site_file)
    noted = _noted(data)
    if not noted:
        raise AppError(
            f"{data} holds no run: name its folder with --data, or the site with --site SITE.yaml"
        )
    return load_site(Path(noted["site_file"]), _LenientEnvironment())


class _LenientEnvironment(Mapping[str, str]):
    """The environment, with unset variables empty: who asks needs no camera's password."""

    def __getitem__(self, name: str) -> str:
        return os.environ.get(name, "")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)


def _noted(data: Path) -> dict[str, str]:
    try:
        noted = json.loads((data / _RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
