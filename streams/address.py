"""What a camera's URL may be, and how its credentials are kept out of every text.

Only ``rtsp(s)://…``, ``webcam:N`` and paths on this machine are cameras. Everything else that
FFmpeg could open (``http:``, ``concat:``, ``subfile:`` …) is refused: a site file must not be able
to make this machine fetch pages or join files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from streams.errors import SourceOpenError

SourceKind = Literal["rtsp", "webcam", "folder", "file"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):")
_WEBCAM = re.compile(r"^webcam:(\d{1,3})$")
# Greedy up to the last "@": a password may hold "@" and "/" unescaped. Too much may be hidden by
# it, never too little.
_LOGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s\"'<>]*@")
_SECRET_VALUE = re.compile(
    r"(?i)(?<![a-z])((?:password|passwd|passphrase|pass|pwd|(?:[a-z]+[_-])?token|secret|api[_-]?key"
    r"|auth|authorization|signature)=)[^&\s\"'<>#;]+"
)


def redacted(text: str) -> str:
    """The text without the logins of the URLs in it and without values such as ``password=…``.

    >>> redacted("cannot open 'rtsp://admin:s3cret@10.0.0.2/stream'")
    "cannot open 'rtsp://***@10.0.0.2/stream'"
    >>> redacted("rtsp://10.0.0.2/stream?channel=1&password=s3cret")
    'rtsp://10.0.0.2/stream?channel=1&password=***'
    """
    return _SECRET_VALUE.sub(r"\1***", _LOGIN.sub(r"\1***@", text))


def is_live(url: str) -> bool:
    """Streams and webcams are live; all else counts as recorded, whether it can be opened or not.

    >>> is_live("rtsp://10.0.0.2/stream"), is_live("webcam:0"), is_live("shop.mp4")
    (True, True, False)
    """
    return _scheme(url) in ("rtsp", "rtsps", "webcam")


def source_kind(url: str) -> SourceKind:
    """What kind of source a URL names; looks at the disk to tell a folder from a file.

    Raises:
        SourceOpenError: It names nothing that may be a camera (permanent).
    """
    scheme = _scheme(url)
    if scheme in ("rtsp", "rtsps"):
        _check_rtsp(url)
        return "rtsp"
    if scheme == "webcam":
        webcam_number(url)
        return "webcam"
    if scheme:
        raise SourceOpenError(
            f"camera URL {redacted(url)!r}: {scheme}: is not allowed; "
            f"expected rtsp://…, rtsps://…, webcam:N or a path (write ./{scheme}:… for a file)",
            is_permanent=True,
        )
    try:
        return "folder" if Path(url).is_dir() else "file"
    except OSError:  # whoever opens it says why it cannot be looked at
        return "file"


def webcam_number(url: str) -> int:
    """The N of ``webcam:N``.

    Raises:
        SourceOpenError: N is not a small whole number (permanent).
    """
    found = _WEBCAM.match(url)
    if not found:
        raise SourceOpenError(
            f"camera URL {url!r}: expected webcam:N, e.g. webcam:0", is_permanent=True
        )
    return int(found.group(1))


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    return found.group(1).lower() if found else ""


def _check_rtsp(url: str) -> None:
    # The rest is not shown: what is wrong with it may hide where its password ends.
    if re.search(r"[\s\"'<>\x00-\x1f]", url):
        raise SourceOpenError(
            "camera URL rtsp://(hidden): it holds a space, a quote or a control character; "
            "percent-encode special characters of the user name and the password (%20 for a space)",
            is_permanent=True,
        )
    try:
        parts = urlsplit(url)
        has_host, _ = bool(parts.hostname), parts.port
    except ValueError:
        has_host = False
    if not has_host:
        raise SourceOpenError(
            "camera URL rtsp://(hidden): host or port can't be read; expected "
            "rtsp://[user:password@]host[:port]/path with special characters percent-encoded",
            is_permanent=True,
        )
