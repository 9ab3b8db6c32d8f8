"""The run's folder: noted, guarded against other sites, emptied only where it is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load_site
from config.schema import SiteSettings
from crosscam.data_folder import make_fresh, prepare, site_of
from crosscam.errors import AppError


def _site(folder: Path, name: str) -> tuple[SiteSettings, Path]:
    file = folder / f"{name}.yaml"
    file.write_text(f"site: {name}\ncameras: [{{id: a, url: a.mp4}}]\n", encoding="utf-8")
    return load_site(file), file


def test_a_prepared_folder_finds_its_site_again(tmp_path: Path) -> None:
    site, file = _site(tmp_path, "shop")

    prepare(tmp_path / "data", site, file)

    assert site_of(tmp_path / "data", None) == site


def test_who_asks_needs_no_camera_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: s\ncameras: [{id: a, url: 'rtsp://${CAMERA_LOGIN}@h/1'}]\n", "utf-8")
    monkeypatch.setenv("CAMERA_LOGIN", "bob:secret")
    prepare(tmp_path / "data", load_site(file), file)
    monkeypatch.delenv("CAMERA_LOGIN")

    assert site_of(tmp_path / "data", None).site == "s"


def test_a_folder_of_another_site_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path / "data", *_site(tmp_path, "shop"))

    with pytest.raises(AppError, match="holds a run of site 'shop'"):
        prepare(tmp_path / "data", *_site(tmp_path, "mall"))


def test_asking_a_folder_without_a_run_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="--site"):
        site_of(tmp_path, None)


def test_fresh_deletes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(data, *_site(tmp_path, "shop"))
    (data / "store").mkdir()
    (data / "notes.txt").touch()

    make_fresh(data)

    assert [file.name for file in data.iterdir()] == ["notes.txt"]


def test_fresh_does_not_touch_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()

    with pytest.raises(AppError, match="not touched"):
        make_fresh(tmp_path)

    assert (tmp_path / "store").is_dir()
