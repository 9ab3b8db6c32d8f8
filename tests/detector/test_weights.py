from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.errors import WeightsError
from detector.weights import KNOWN_WEIGHTS, DownloadableFile, WeightsStore, weights_store

CONTENT = b"weights" * 1000


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the test's output clean."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A server on loopback with two files; its URL."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "a.xml").write_bytes(CONTENT)
    (folder / "a.bin").write_bytes(CONTENT[::-1])
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_given_path_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.pt"
    file.touch()

    assert WeightsStore(tmp_path / "cache").find(str(file)) == file


def test_the_cache_comes_before_the_named_folders(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "folder"
    for place in (cache, folder):
        place.mkdir()
        (place / "yolo11n.pt").touch()
    store = WeightsStore(cache, (folder,))

    assert store.find("yolo11n.pt") == cache / "yolo11n.pt"


def test_a_missing_path_is_looked_for_by_its_name_below_the_named_folders(tmp_path: Path) -> None:
    file = tmp_path / "models" / "yolo" / "mine.onnx"
    file.parent.mkdir(parents=True)
    file.touch()
    store = WeightsStore(tmp_path / "cache", (tmp_path / "absent", tmp_path / "models"))

    assert store.find("/somewhere/else/mine.onnx") == file


def test_offline_the_error_names_the_three_ways(tmp_path: Path) -> None:
    gone = DownloadableFile("http://127.0.0.1:9/yolo11n.pt", "0" * 64)
    store = WeightsStore(tmp_path / "cache", known={"yolo11n.pt": (gone,)})

    with pytest.raises(WeightsError) as caught:
        store.find("yolo11n.pt")

    text = str(caught.value)
    assert "'yolo11n.pt' were not found" in text
    for way in ("detector.weights", str(tmp_path / "cache"), "CROSSCAM_WEIGHTS"):
        assert way in text
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_unknown_name_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"person-detection-retail-0013"):
        WeightsStore(tmp_path).find("resnet.pt")


@pytest.mark.parametrize("algorithm", ["sha256", "sha384"])
def test_a_known_file_is_downloaded_once_and_verified(
    site: str, tmp_path: Path, algorithm: str
) -> None:
    digest = hashlib.new(algorithm, CONTENT).hexdigest()
    known = {"a.xml": (DownloadableFile(f"{site}/a.xml", digest),)}
    store = WeightsStore(tmp_path / "cache", known=known)

    first = store.find("a.xml")
    offline = WeightsStore(tmp_path / "cache", known={}).find("a.xml")

    assert first == offline == tmp_path / "cache" / "a.xml"
    assert first.read_bytes() == CONTENT


def test_a_known_folder_is_downloaded_as_a_whole(site: str, tmp_path: Path) -> None:
    files = (
        DownloadableFile(f"{site}/a.xml", hashlib.sha256(CONTENT).hexdigest()),
        DownloadableFile(f"{site}/a.bin", hashlib.sha256(CONTENT[::-1]).hexdigest()),
    )

    folder = WeightsStore(tmp_path / "cache", known={"a": files}).find("a")

    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "a.xml"]


def test_a_download_with_another_checksum_is_thrown_away(site: str, tmp_path: Path) -> None:
    known = {"a.xml": (DownloadableFile(f"{site}/a.xml", "0" * 64),)}
    store = WeightsStore(tmp_path / "cache", known=known)

    with pytest.raises(WeightsError, match=r"a\.xml.*checksum.*thrown away"):
        store.find("a.xml")

    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_that_is_gone_from_the_server_is_a_failed_download(
    site: str, tmp_path: Path
) -> None:
    store = WeightsStore(tmp_path, known={"b.pt": (DownloadableFile(f"{site}/b.pt", "0" * 64),)})

    with pytest.raises(WeightsError, match="the download failed: HTTP Error 404"):
        store.find("b.pt")


def test_auto_finds_the_best_known_name_first_and_downloads_nothing(tmp_path: Path) -> None:
    for name in ("yolo11n.pt", "yolo11n.onnx", "reid.onnx"):
        (tmp_path / name).touch()

    found = WeightsStore(tmp_path / "cache", (tmp_path,)).find_any()

    assert [path.name for path in found] == ["yolo11n.onnx", "yolo11n.pt"]


def test_the_places_come_from_the_environment(tmp_path: Path) -> None:
    store = weights_store({"XDG_CACHE_HOME": str(tmp_path), "CROSSCAM_WEIGHTS": "/a:/b"})

    assert store.cache == tmp_path / "crosscam"
    assert store.folders == (Path("/a"), Path("/b"))
    assert weights_store({}).cache == Path.home() / ".cache" / "crosscam"
    assert weights_store({}).folders == ()


def test_every_known_file_has_a_checksum_and_an_encrypted_address() -> None:
    for files in KNOWN_WEIGHTS.values():
        for file in files:
            assert file.url.startswith("https://")
            assert len(file.digest) in (64, 96)
            assert int(file.digest, 16)
