"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The research data folder; the test is skipped, with the reason, where it is absent."""
    folder = Path(os.environ.get("CROSSCAM_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "video").is_dir():
        pytest.skip(
            f"no research data at {folder}: set CROSSCAM_SHARED to its folder to run this test"
        )
    return folder
