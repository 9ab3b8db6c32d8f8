"""What every benchmark prints: one JSON line a figure, with commit, machine and versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

_PACKAGES = ("torch", "openvino", "numpy", "opencv-python", "av", "faiss-cpu")


def machine() -> dict[str, object]:
    """Commit, processor and versions."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "commit": commit,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def emit(name: str, values: Sequence[float], unit: str, **more: object) -> None:
    """Print one figure: median and p95 of its values."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    line = {
        "figure": name,
        "median": round(statistics.median(ordered), 4),
        "p95": round(p95, 4),
        "num": len(ordered),
        "unit": unit,
        **more,
        **machine(),
    }
    print(json.dumps(line), flush=True)


def _processor() -> str:
    """Model and the instruction sets that decide how fast low precision is."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    flags = fields.get("flags", "").split()
    wanted = [
        f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if f in flags
    ]
    return f"{fields.get('model name', platform.processor())} ({' '.join(wanted)})"
