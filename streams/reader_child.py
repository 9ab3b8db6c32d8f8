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
from streams.reader_messages import Message, decoded

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
        memory = create_memory()
        self._slots = SlotReader(memory)
        self._connection, theirs = Pipe()
        try:
            with theirs:
                os.set_inheritable(theirs.fileno(), True)
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "streams.reader_process",
                        str(theirs.fileno()),
                        str(memory),
                    ],
                    pass_fds=(theirs.fileno(), memory),
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": _module_path()},
                    process_group=0,
                )
            self._send_orders(camera, stride, start_index, num_slots)
        except OSError:
            self._connection.close()
            self._slots.close()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def receive(self, timeout_s: float) -> Message | None:
        """The next message; None: nothing came in time.

        Raises:
            EOFError: The process is gone, and all that it sent was received.
        """
        try:
            if not self._connection.poll(timeout_s):
                return None
            return decoded(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError(str(error)) from error

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

    def _send_orders(
        self, camera: CameraSettings, stride: int, start_index: int, num_slots: int
    ) -> None:
        settings = camera.model_dump(mode="json")
        settings["url"] = camera.url.get_secret_value()
        orders = {
            "camera": settings,
            "stride": stride,
            "start_index": start_index,
            "num_slots": num_slots,
        }
        self._connection.send_bytes(json.dumps(orders).encode())


def _module_path() -> str:
    """Where the child finds the modules that we have; never its working folder by itself."""
    ours = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(dict.fromkeys([*filter(None, sys.path), ours]))
