"""People in frames: detector backends, the per-camera tracker, and the choice of the best crops."""

import sys

# OpenVINO reports to its vendor when it is imported, unless this package cannot be found.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
