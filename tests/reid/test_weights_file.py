"""Files from strangers: damaged, of another kind, or hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reid.errors import CheckpointError
from reid.weights_file import read_weights


class Hostile:
    """Its pickle makes a folder when it is opened without care."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_hostile_pickle_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    content = {"state_dict": Hostile(trace)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(CheckpointError, match=r"evil.pth: refused.*mkdir"):
        read_weights(path)

    assert not trace.exists()


@pytest.mark.parametrize("name", ["weights.pth", "legacy.pth", "weights.safetensors"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99], ids=["start", "half", "all but the end"])
def test_cut_off_file_is_named(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    weights = {f"layer{number}.weight": torch.rand(40, 30) for number in range(20)}
    if name == "weights.safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=name != "legacy.pth")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(CheckpointError, match=rf"{name}: .*(damaged|cut off)"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "<!DOCTYPE"),
        (b"version https://git-lfs.github.com/spec/v1", "version h"),
    ],
    ids=["empty", "web page", "pointer"],
)
def test_other_content_is_named(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match=f"weights.pth: not a weights file: .*{found}"):
        read_weights(path)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent.pth: cannot be read \(No such file"):
        read_weights(tmp_path / "absent.pth")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "content",
    [[torch.zeros(2)], {}, {"lr": 0.1}, {3: torch.zeros(2)}, {"state_dict": {"a": "b"}}],
    ids=["list", "empty", "number", "nameless", "text"],
)
def test_pickle_of_something_else_is_named(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)

    with pytest.raises(CheckpointError, match=r"weights.pth: expected (a dictionary|named) "):
        read_weights(path)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    save_file({"a": torch.ones(2)}, path, metadata={"crosscam": "hello"})

    weights, header = read_weights(path)

    assert weights["a"].tolist() == [1, 1]
    assert header == "hello"
