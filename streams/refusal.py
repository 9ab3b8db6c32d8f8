"""Why a source cannot be opened: words for people, with the cure and without credentials."""

from __future__ import annotations

from pathlib import Path

from streams.address import redacted
from streams.errors import SourceOpenError

_REASONS = {
    "HTTPUnauthorizedError": "wrong or missing user name or password (401)",
    "HTTPForbiddenError": "this user may not see the stream (403)",
    "HTTPNotFoundError": "the camera has no stream of this path (404)",
    "ConnectionRefusedError": "connection refused: is the camera on, is the port right?",
    "ExitError": "no answer in time",
    "TimeoutError": "no answer in time",
}


def check_file(camera_id: str, path: Path) -> None:
    """Make sure that a recording is a file that can be read and is not empty.

    Raises:
        SourceOpenError: It is not (permanent).
    """
    try:
        if not path.exists():
            found, cure = "does not exist", "check the path (relative ones start at the site file)"
        elif not path.is_file():
            found, cure = "is no regular file", "write webcam:N for a camera of this machine"
        else:
            with path.open("rb") as file:
                if file.read(1):
                    return
            found, cure = "is empty", "copy it again from where it was recorded"
    except OSError as error:
        found, cure = f"cannot be read ({error.strerror})", "check its permissions"
    raise SourceOpenError(f"camera {camera_id}: {path} {found}; {cure}", is_permanent=True)


def why_not(error_name: str, text: str | None) -> str:
    """What a network camera's error means and what to do.

    FFmpeg names one cause differently from run to run, so that the name helps people only: nothing
    is decided by it.

    Args:
        error_name: Class name of PyAV's error.
        text: Its text without the URL.

    Example:
        >>> why_not("HTTPNotFoundError", None)
        'the camera has no stream of this path (404)'
        >>> why_not("InvalidDataError", "Invalid data")
        'Invalid data (a wrong address, a camera that hangs, or no RTSP there)'
    """
    shown = redacted(text or error_name)
    return _REASONS.get(
        error_name, f"{shown} (a wrong address, a camera that hangs, or no RTSP there)"
    )
