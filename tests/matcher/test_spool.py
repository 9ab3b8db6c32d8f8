from __future__ import annotations

import os
from pathlib import Path

import pytest

from matcher.errors import StoreError
from matcher.spool import SEGMENT_BYTES, Spool, SpoolFullError


def drained(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    while records := spool.peek(10, 1_000_000):
        found += records
        spool.take(records)
    return found


def test_records_come_out_in_the_order_they_went_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", max_bytes=10_000)
    records = [f"record {number}".encode() for number in range(25)]
    spool.append(records[:3])
    spool.append(records[3:])
    assert spool.num_records == 25
    assert drained(spool) == records
    assert spool.is_empty
    assert spool.num_bytes == 0


def test_records_outlive_the_process(tmp_path: Path) -> None:
    first = Spool(tmp_path, max_bytes=10_000)
    first.append([b"a", b"b"])
    first.close()
    second = Spool(tmp_path, max_bytes=10_000)
    second.append([b"c"])
    assert second.num_records == 3
    assert drained(second) == [b"a", b"b", b"c"]


def test_empty_spool_gives_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([])
    assert spool.is_empty
    assert spool.peek(10, 10_000) == []
    assert list(spool) == []


def test_large_records_are_taken_in_several_segments_that_are_deleted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=4 * SEGMENT_BYTES)
    large = bytes(SEGMENT_BYTES // 2)
    for _ in range(5):
        spool.append([large])
    assert len(list(tmp_path.glob("*.spool"))) > 1
    assert len(drained(spool)) == 5
    assert list(tmp_path.glob("*.spool")) == []


def test_peek_keeps_to_its_limits_but_gives_at_least_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([b"x" * 100] * 5)
    assert len(spool.peek(3, 10_000)) == 3
    assert len(spool.peek(5, 250)) == 2
    assert len(spool.peek(5, 1)) == 1


def test_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100)
    spool.append([b"x" * 50])
    with pytest.raises(SpoolFullError, match="spool_max_mb"):
        spool.append([b"y" * 50])
    assert drained(spool) == [b"x" * 50]
    spool.append([b"y" * 50])
    assert drained(spool) == [b"y" * 50]


def test_full_disk_refuses_and_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([b"before"])

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(SpoolFullError, match="No space left"):
            spool.append([b"lost"])
    spool.append([b"after"])
    spool.close()
    assert drained(Spool(tmp_path, max_bytes=10_000)) == [b"before", b"after"]


def test_full_disk_at_the_very_first_record_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        for _ in range(2):
            with pytest.raises(SpoolFullError, match="No space left"):
                spool.append([b"lost"])
    assert spool.is_empty
    spool.append([b"after"])
    assert drained(spool) == [b"after"]


@pytest.mark.parametrize("num_bytes_cut", [1, 5, 13, 14])
def test_torn_end_is_cut_off_and_said(
    tmp_path: Path, num_bytes_cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([b"whole", b"torn 2"])
    spool.close()
    segment = next(tmp_path.glob("*.spool"))
    os.truncate(segment, segment.stat().st_size - num_bytes_cut)
    again = Spool(tmp_path, max_bytes=10_000)
    again.append([b"new"])
    assert drained(again) == [b"whole", b"new"]
    if num_bytes_cut < 14:
        assert "torn" in caplog.text


def test_segment_of_nothing_but_rubbish_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "000000000007.spool").write_bytes(b"rubbish")
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([b"a"])
    assert drained(spool) == [b"a"]


def test_damage_while_waiting_loses_the_rest_of_a_segment_and_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    spool.append([b"good", b"damaged", b"unreachable"])
    segment = next(tmp_path.glob("*.spool"))
    content = bytearray(segment.read_bytes())
    content[22] ^= 0xFF
    segment.write_bytes(content)
    assert drained(spool) == [b"good"]
    spool.append([b"next"])
    assert drained(spool) == [b"next"]


def test_second_process_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=10_000)
    with pytest.raises(StoreError, match=f"in use by process {os.getpid()}"):
        Spool(tmp_path, max_bytes=10_000)
    spool.close()
    Spool(tmp_path, max_bytes=10_000).close()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/spool"):
        Spool(tmp_path / "file" / "spool", max_bytes=10_000)
