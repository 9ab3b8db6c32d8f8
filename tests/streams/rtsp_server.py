"""A real RTSP server on loopback for the tests; runs under Debian's Python, which has GStreamer.

    /usr/bin/python3 tests/streams/rtsp_server.py PORT [--clip FILE] [--login USER:PASSWORD]
    /usr/bin/python3 tests/streams/rtsp_server.py --check

Serves /cam: a moving ball, or a clip from its start to its end. Says "ready" when it listens.
Needs python3-gi, gir1.2-gst-rtsp-server-1.0 and the GStreamer plugins base, good, bad and ugly.
"""

from __future__ import annotations

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

_PAY = "rtph264pay name=pay0 pt=96 config-interval=1"
_ELEMENTS = ("videotestsrc", "x264enc", "h264parse", "qtdemux", "rtph264pay")
_BALL = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! "
    f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! {_PAY} )"
)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int, nargs="?")
    parser.add_argument("--check", action="store_true", help="only say whether it could run")
    parser.add_argument("--clip")
    parser.add_argument("--login")
    options = parser.parse_args()
    Gst.init(None)
    missing = [name for name in _ELEMENTS if Gst.ElementFactory.find(name) is None]
    if missing:
        sys.exit(f"GStreamer lacks {', '.join(missing)}")
    if options.check:
        return
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    factory = GstRtspServer.RTSPMediaFactory()
    if options.clip:
        factory.set_launch(f'( filesrc location="{options.clip}" ! qtdemux ! h264parse ! {_PAY} )')
    else:
        factory.set_launch(_BALL)
    factory.set_shared(True)
    if options.login:
        _require_login(server, factory, options.login)
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {options.port} is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def _require_login(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, login: str
) -> None:
    user, _, password = login.partition(":")
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
