"""Every setting of a site on one page: name, default, unit, range.

Paths are absolute after loading (`config.load.load_site` resolves them against the file's folder).
Components never read this module; their factories translate settings into plain values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveSeconds = Annotated[float, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]
Polygon = Annotated[list[tuple[Fraction, Fraction]], Field(min_length=3)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PositionSettings(Settings):
    """Where a camera stands on the plan."""

    x_m: float
    """Metres from the plan's left edge."""
    y_m: float
    """Metres from the plan's top edge."""
    heading_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    """Viewing direction, degrees clockwise from the plan's upward direction."""


class CameraSettings(Settings):
    """One camera: a stream, a file, a webcam or a folder of images."""

    id: Name
    name: str = ""
    """Shown to people; the id where empty."""
    url: SecretStr
    """rtsp(s)://…, a video file, a folder of images, or ``webcam:N``.

    ``${NAME}`` is taken from the environment."""
    start_at: AwareDatetime | None = None
    """Capture time of the first frame of a file; None: its modification time minus its length.

    The same for a folder of images, by its last image."""
    max_fps: Annotated[float, Field(gt=0, le=240)] | None = None
    """Frames a second that are looked at; None: all that the source has.

    Of a folder of images: its rate, 1 if unset."""
    include: list[Polygon] = []
    """Regions (fractions of width and height) for a person's foot point; empty: everywhere."""
    exclude: list[Polygon] = []
    """Regions in which people are ignored (a screen, a mirror, a street behind glass)."""
    position: PositionSettings | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    """RTSP transport."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 5.0
    """A live read without a frame for this long counts as lost."""
    reopen_max_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Longest pause between two tries to reopen a lost camera."""


class PlanSettings(Settings):
    """A drawing of the site."""

    image: Path | None = None
    width_m: Annotated[float, Field(gt=0)]
    height_m: Annotated[float, Field(gt=0)]


class DetectorSettings(Settings):
    """How people are found in frames."""

    kind: Literal["auto", "yolo", "openvino", "onnx", "hog", "motion", "replay"] = "auto"
    weights: str | None = None
    """A path, or a known name that is looked for in the cache and ``$CROSSCAM_WEIGHTS``.

    replay: a MOT text file or a folder of ``CAMERA.txt`` files."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:N``."""
    stride: Annotated[int, Field(ge=1, le=30)] = 1
    """Detection looks at every stride-th frame; the tracker bridges."""
    min_score: Fraction = 0.25
    """Detections below are dropped (the tracker needs the weak ones: keep this low)."""
    nms_iou: Fraction = 0.6
    """Of two boxes that overlap more than this (intersection over union), the weaker is dropped."""
    min_height_px: Annotated[int, Field(ge=1)] = 32
    """Smaller people are ignored."""
    input_size_px: Annotated[int, Field(ge=128, le=2048, multiple_of=32)] | None = None
    """Longer side of the network's input; None: what the weights were made for.

    512 in place of 640 saves a quarter of the time and misses some small or hidden people."""


class TrackerSettings(Settings):
    """How boxes of one camera are joined to tracks (two-stage association by motion)."""

    high_score: Fraction = 0.5
    """Detections from here up take part in the first association and start tracks."""
    match_iou: Fraction = 0.2
    """Least intersection over union of a predicted and a detected box."""
    min_hits: Annotated[int, Field(ge=1, le=30)] = 2
    """Detections in a row that confirm a track."""
    max_lost_s: PositiveSeconds = 1.5
    """A track without a detection for longer ends."""
    max_length_s: Annotated[float, Field(ge=10)] = 120.0
    """A longer track is closed and continued as the next tracklet of the same camera."""


class CropSettings(Settings):
    """Which crops of a track are embedded, and when."""

    first_after_s: Seconds = 0.7
    """Age of a track at which its first embedding is published, if enough good crops are there."""
    min_crops: Annotated[int, Field(ge=1, le=16)] = 2
    """Crops for the first embedding; a track that ends with fewer is embedded with what it has."""
    max_crops: Annotated[int, Field(ge=1, le=16)] = 6
    """Crops that are kept and embedded per track."""
    update_every_s: PositiveSeconds = 3.0
    """Least time between the first two versions of an open track; doubles with every version."""
    thumbnails: Annotated[int, Field(ge=0, le=3)] = 3
    """JPEG thumbnails kept per tracklet."""


class EmbedderSettings(Settings):
    """How a crop becomes a feature vector."""

    kind: Literal["auto", "torch", "openvino", "onnx", "openvino_ir", "histogram"] = "auto"
    weights: str | None = None
    """torch: .safetensors or .pth; openvino and openvino_ir: .xml; onnx: .onnx.

    None, for auto and torch: the RGA weights that come with crosscam."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:N``."""
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = "auto"
    feature: Literal["before_bn", "after_bn"] | None = None
    """RGA models: the feature before or after the last batch normalisation; None: the one that the
    weights name, which is the one after it for published files."""
    max_batch: Annotated[int, Field(ge=1, le=512)] = 16
    """Crops of all cameras of a process that are embedded together."""
    max_wait_ms: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """Longest wait for a batch to fill."""


class CameraPairSettings(Settings):
    """What is known of the way between two cameras (both directions)."""

    cameras: tuple[Name, Name]
    min_s: Seconds = 0.0
    """Shortest travel time from leaving one view to entering the other."""
    max_s: PositiveSeconds = 86400.0
    """Longest travel time that is still one visit."""
    overlap: bool = False
    """The two views share ground: a person may be in both at once."""
    is_possible: bool = True
    """False: nobody gets from one to the other directly."""


class MatcherSettings(Settings):
    """How tracklets are linked to identities."""

    window_s: Annotated[float, Field(gt=0, le=30)] = 0.5
    """Tracklets published within a window of this much stream time are assigned together."""
    max_delay_s: Annotated[float, Field(gt=0, le=600)] = 3.0
    """A live camera whose progress is missing holds the others up for at most this long."""
    false_match_rate: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Wanted rate of links to a wrong person; sets the least probability of a link."""
    min_probability: Fraction | None = None
    """Least probability of "same person" for a link; None: follows from `false_match_rate`."""
    candidates: Annotated[int, Field(ge=1, le=1000)] = 50
    """Nearest exemplars that are looked at per tracklet."""
    exemplars_per_camera: Annotated[int, Field(ge=1, le=50)] = 4
    """Features kept per identity and camera."""
    corrections: bool = True
    """Merge and split identities by itself when later evidence says so; each is an event."""
    learn: bool = True
    """Learn travel times, and how alike different people are, from the site's own tracklets."""
    calibration: Path | None = None
    """JSON with the logistic of this model (similarity to probability); None: the built-in one.

    `crosscam calibrate` writes it."""
    overlap: bool = False
    """Default for camera pairs that `topology` does not name: do their views share ground?"""
    topology: list[CameraPairSettings] = []


class StoreSettings(Settings):
    """Where tracklets and identities are kept."""

    url: SecretStr = SecretStr("embedded")
    """``embedded`` (a private server in the data folder), ``redis://…``, ``rediss://…`` or ``unix://…``."""
    connect_timeout_s: PositiveSeconds = 5.0
    spool_max_mb: Annotated[int, Field(ge=1)] = 1024
    """Disk for messages that wait for the store; beyond it the cameras pause."""


class RetentionSettings(Settings):
    """How long things about people are kept."""

    identities_days: Annotated[float, Field(gt=0, le=3660)] = 7.0
    """Tracklets, features, sightings and identities; counted from the last sighting."""
    thumbnails_days: Annotated[float, Field(gt=0, le=3660)] = 7.0
    events_days: Annotated[float, Field(gt=0, le=36600)] = 365.0
    """The event stream, which holds no biometric data."""


class SiteSettings(Settings):
    """One site file."""

    site: Name
    cameras: Annotated[list[CameraSettings], Field(min_length=1)]
    plan: PlanSettings | None = None
    detector: DetectorSettings = DetectorSettings()
    tracker: TrackerSettings = TrackerSettings()
    crops: CropSettings = CropSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    matcher: MatcherSettings = MatcherSettings()
    store: StoreSettings = StoreSettings()
    retention: RetentionSettings = RetentionSettings()
