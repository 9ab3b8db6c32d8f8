"""The parent's end of a reader's child process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path

from config.schema import CameraSettings
from streams.frame import Image
from streams.frame_slots import SlotImage, SlotReader, create_memory
from streams.reader_messages import FrameReady, Message, decoded

_FAREWELL_S = 1.5
_KILLED_S = 5.0


class ReaderChild:
    """One life of a child process and the memory it writes to.

    `receive` is called from one thread, `take` from another; the rest from the first.
    """

    def __init__(
        self, camera: CameraSettings, *, stride: int, start_index: int, num_slots: int
    ) -> None:
        """Start the process.

        Raises:
            OSError: The system has no process, file descriptor or memory left.
        """
        orders = _orders(camera, stride, start_index, num_slots)
        with contextlib.ExitStack() as undo:
            memory = create_memory()
            self._slots = SlotReader(memory)
            undo.callback(self._slots.close)
            self._connection, theirs = Pipe()
            undo.callback(self._connection.close)
            with theirs:
                module = [sys.executable, "-P", "-m", "streams.reader_process"]
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [*module, str(theirs.fileno()), str(memory)],
                    pass_fds=(theirs.fileno(), memory),
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": _module_path()},
                    process_group=0,
                )
            undo.callback(self._process.wait)
            undo.callback(self._process.kill)
            self._connection.send_bytes(orders)
            undo.pop_all()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def receive(self, timeout_s: float) -> Message | None:
        """The next message; None: nothing came in time.

        Raises:
            EOFError: The process is gone, and all that it sent was received.
            ValueError: What it sent makes no sense.
        """
        try:
            if not self._connection.poll(timeout_s):
                return None
            message = decoded(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError(str(error)) from error
        if isinstance(message, FrameReady) and not self._slots.holds(message.image):
            raise ValueError(f"frame outside of the memory: {message.image}")
        return message

    def take(self, place: SlotImage) -> Image:
        """Copy an image out of its slot and free the slot; works after the process is gone."""
        image = self._slots.copy(place)
        self.release(place)
        return image

    def release(self, place: SlotImage) -> None:
        """Free a slot without looking at it."""
        with contextlib.suppress(OSError):  # the process is gone: nobody needs the slot
            self._connection.send_bytes(str(place.slot).encode())

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def stop(self) -> str:
        """End the process, kindly if it can be done in 1.5 s; how it ended, in words."""
        self._connection.close()
        try:
            code = self._process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            # A process that waits for a dead disk can't be killed: then it is left to the system.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_KILLED_S)
            return "did not end by itself"
        return (
            f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        )

    def free(self) -> None:
        """Give the memory back; images not yet taken are lost."""
        self._slots.close()


def _orders(camera: CameraSettings, stride: int, start_index: int, num_slots: int) -> bytes:
    settings = camera.model_dump(mode="json")
    settings["url"] = camera.url.get_secret_value()
    return json.dumps(
        {
            "camera": settings,
            "stride": stride,
            "start_index": start_index,
            "num_slots": num_slots,
        }
    ).encode()


def _module_path() -> str:
    """Where the child finds the modules that we have; never its working folder by itself."""
    ours = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(dict.fromkeys([*filter(None, sys.path), ours]))
