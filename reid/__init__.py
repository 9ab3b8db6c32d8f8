"""RGA-ResNet50 and the embedders that turn person crops into unit feature vectors."""

import sys

# OpenVINO and NNCF report every import and conversion to their vendor, and leave files in the home
# folder, unless this package of theirs is absent. Here, so that it comes before any import of them.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
