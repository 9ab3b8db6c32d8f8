"""`make bench`: every benchmark that needs nothing but this repository, one after the other.

The pipeline needs clips and weights: it is run on the research data where that is (CROSSCAM_SHARED
or ../shared), and named where it is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.random_rga import write_random_rga

REPOSITORY = Path(__file__).resolve().parents[1]
ALONE = ("bench_rga", "bench_embedders", "bench_matcher", "bench_store", "bench_ranking")


def main() -> None:
    """Run the benchmarks; their lines go to standard output."""
    for name in ALONE:
        _run(name)
    shared = Path(os.environ.get("CROSSCAM_SHARED", REPOSITORY.parent / "shared"))
    if not (shared / "video").is_dir():
        print(f"left out for want of clips at {shared}: bench_pipeline", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="crosscam-bench-") as folder:
        site = Path(folder) / "shop.yaml"
        template = REPOSITORY / "benchmarks" / "shop.yaml"
        site.write_text(template.read_text("utf-8").replace("SHARED", str(shared)), "utf-8")
        _run("bench_pipeline", str(site))
        _run("bench_pipeline", str(site), "--loops", "10")
        rga = write_random_rga(Path(folder))
        _run("bench_pipeline", str(site), "--embedder", str(rga))


def _run(name: str, *arguments: str) -> None:
    print(f"# {name} {' '.join(arguments)}", file=sys.stderr)
    subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments], check=True, cwd=REPOSITORY
    )


if __name__ == "__main__":
    main()
