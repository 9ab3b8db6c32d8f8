"""The settings in force, as YAML that can be shown to anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr

from config.schema import SiteSettings


def shown(settings: SiteSettings, redact: Callable[[str], str]) -> str:
    """All settings, defaults included, as YAML; `redact` takes the credentials out of URLs."""
    return yaml.safe_dump(_plain(settings, redact), sort_keys=False, allow_unicode=True, width=100)


def _plain(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name), redact) for name in type(value).model_fields}
    if isinstance(value, SecretStr):
        return redact(value.get_secret_value())
    if isinstance(value, (list, tuple)):
        return [_plain(item, redact) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
