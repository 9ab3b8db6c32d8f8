"""Loading a site file: what is accepted, and that every mistake is named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError, Problem
from config.load import load_site

SMALLEST = """\
site: shop
cameras:
  - {id: cam1, url: videos/cam1.mp4, start_at: 2026-01-01T10:00:00Z}
  - {id: cam2, url: "rtsp://${CAM2_LOGIN}@10.0.0.2/stream"}
detector: {kind: openvino, weights: weights/yolo11n_int8_openvino_model, stride: 2}
embedder: {kind: openvino_ir, weights: weights/person-reidentification-retail-0277.xml}
store: {url: embedded}
"""

TEN_MISTAKES = """\
site: "shop floor"
cameras:
  - {id: cam1, ulr: videos/cam1.mp4}
  - {id: cam1, url: "rtsp://${NOT_SET}@10.0.0.2/stream", max_fps: 0}
  - {id: cam2, url: a.mp4, start_at: 2026-01-01T10:00:00}
detector: {kind: openvno, stride: 99}
embedder: {kind: histogram, max_bach: 3}
matcher: {topology: [{cameras: [cam1, cam3], min_s: 9, max_s: 3}]}
store: {url: 5}
retention: {identities_days: seven}
"""


def _written(folder: Path, text: str) -> Path:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def _problems(folder: Path, text: str, **environment: str) -> dict[str, Problem]:
    with pytest.raises(ConfigError) as caught:
        load_site(_written(folder, text), environment)
    return {problem.key: problem for problem in caught.value.problems}


def test_smallest_site_file_loads_with_paths_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_site(_written(tmp_path, SMALLEST), {"CAM2_LOGIN": "bob:secret"})

    assert settings.cameras[0].url.get_secret_value() == str(tmp_path / "videos/cam1.mp4")
    assert settings.cameras[1].url.get_secret_value() == "rtsp://bob:secret@10.0.0.2/stream"
    assert settings.detector.weights == str(tmp_path / "weights/yolo11n_int8_openvino_model")
    assert settings.store.url.get_secret_value() == "embedded"
    assert settings.tracker.min_hits == 2


def test_ten_mistakes_are_all_reported_with_line_key_and_cure(tmp_path: Path) -> None:
    problems = _problems(tmp_path, TEN_MISTAKES)

    assert problems["site"].line == 1
    assert problems["cameras.0.ulr"].suggestion == "url"
    assert problems["cameras.0.url"].expected.startswith("missing")
    assert "NOT_SET" in problems["cameras.1.url"].expected
    assert problems["cameras.1.id"].expected.startswith("two cameras have this id")
    assert problems["cameras.1.max_fps"].line == 4
    assert "timezone" in problems["cameras.2.start_at"].expected
    assert problems["detector.kind"].suggestion == "openvino"
    assert problems["detector.stride"].value == "99"
    assert problems["embedder.max_bach"].suggestion == "max_batch"
    assert problems["matcher.topology.0.cameras.1"].suggestion == "cam2"
    assert problems["matcher.topology.0.min_s"].line == 8
    assert problems["retention.identities_days"].line == 10


def test_credentials_never_stand_in_a_message_even_under_a_misspelt_key(tmp_path: Path) -> None:
    text = (
        'site: s\ncameras:\n  - {id: a, ulr: "rtsp://bob:hunter2@host/1"}\n'
        '  - {id: b, url: {x: "${PW}"}}\n'
    )

    problems = _problems(tmp_path, text, PW="hunter2")

    assert "hunter2" not in " ".join(str(problem) for problem in problems.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("- a\n- b\n", "expected `key: value`"),
        ("site: [unclosed\n", "not valid YAML"),
        ("site: !!python/object:os.system {}\n", "not valid YAML"),
        ("site: a\nsite: b\ncameras: [{id: a, url: x}]\n", "stands here twice"),
        ("site: a\ncameras: []\n", "at least 1 item"),
        ("site: a\ncameras: 7\n", "valid list"),
        ("[" * 3000, "not valid YAML"),
    ],
    ids=["empty", "list", "syntax", "object", "repeated", "no-cameras", "not-a-list", "deep"],
)
def test_broken_documents_say_what_is_wrong(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load_site(_written(tmp_path, text), {})


def test_overlapping_views_with_a_travel_time_are_contradictory(tmp_path: Path) -> None:
    text = (
        "site: s\ncameras: [{id: a, url: x}, {id: b, url: y}]\n"
        "matcher: {topology: [{cameras: [a, b], overlap: true, min_s: 3}]}\n"
    )

    assert "no travel time" in _problems(tmp_path, text)["matcher.topology.0.overlap"].expected


def test_missing_file_folder_and_binary_file_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "clip.mp4"
    binary.write_bytes(b"\x00\xff\xfe\x80" * 10)

    for file, expected in (
        (tmp_path / "no.yaml", "no such file"),
        (tmp_path, "folder"),
        (binary, "UTF-8"),
    ):
        with pytest.raises(ConfigError, match=expected):
            load_site(file, {})


def test_a_bare_weights_name_stays_a_name_unless_the_file_is_there(tmp_path: Path) -> None:
    text = "site: s\ncameras: [{id: a, url: x.mp4}]\ndetector: {weights: yolo11n.pt}\n"
    assert load_site(_written(tmp_path, text), {}).detector.weights == "yolo11n.pt"

    (tmp_path / "yolo11n.pt").touch()
    assert load_site(_written(tmp_path, text), {}).detector.weights == str(tmp_path / "yolo11n.pt")


def test_settings_do_not_change_after_loading(tmp_path: Path) -> None:
    settings = load_site(_written(tmp_path, SMALLEST), {"CAM2_LOGIN": "a:b"})

    with pytest.raises(ValueError, match="frozen"):
        settings.__setattr__("site", "other")
