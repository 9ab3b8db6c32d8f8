"""Showing settings: complete, loadable, and without credentials."""

from __future__ import annotations

from pathlib import Path

import yaml

from config.load import load_site
from config.show import shown


def _masked(text: str) -> str:
    return text.replace("bob:secret", "***")


def test_shown_settings_hold_every_default_and_no_credentials(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: s\ncameras: [{id: a, url: 'rtsp://${LOGIN}@h/1'}]\n", encoding="utf-8")
    settings = load_site(file, {"LOGIN": "bob:secret"})

    text = shown(settings, _masked)

    assert "secret" not in text
    assert yaml.safe_load(text)["cameras"][0]["url"] == "rtsp://***@h/1"
    assert yaml.safe_load(text)["matcher"]["false_match_rate"] == 0.01


def test_shown_settings_can_be_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "site: s\ncameras:\n  - id: a\n    url: a.mp4\n    start_at: 2026-01-01T10:00:00Z\n"
        "    include: [[[0, 0], [1, 0], [1, 1]]]\n",
        encoding="utf-8",
    )
    settings = load_site(file, {})
    again = tmp_path / "again.yaml"

    again.write_text(shown(settings, str), encoding="utf-8")

    assert load_site(again, {}) == settings
