"""A self-contained HTML report of a store: timeline, people with thumbnails, transitions."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from matcher.sighting import Sighting
from matcher.store import FeatureStore
from query.timeline import colour_of, time_axis, timeline_svg
from query.trajectory import Trajectory, gap_before_s, trajectory

_MAX_PEOPLE = 200
_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--dim:#5b6676;--line:#dfe4ea;--card:#fff;--page:#f5f7f9}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--dim:#9aa6b5;--line:#323b47;--card:#1b222b;
--page:#12171d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:24px 16px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:24px;margin:0}h2{font-size:18px;margin:28px 0 10px}
p{color:var(--dim);margin:4px 0 16px}
section,article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
article{margin:0 0 14px;border-left:6px solid var(--hue)}
article h3{margin:0 0 8px;font-size:16px}
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:var(--dim)}
.grid{stroke:var(--line)}.hatch{stroke:var(--dim);stroke-width:1.2;stroke-opacity:.55}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
th,td{text-align:left;padding:5px 10px 5px 0;border-top:1px solid var(--line);white-space:nowrap}
th{color:var(--dim);font-weight:500;border:0}
.thumbs img{height:88px;border-radius:4px;margin-right:4px;vertical-align:middle}
.bar{display:inline-block;height:8px;border-radius:4px;background:var(--hue);vertical-align:middle;
margin-right:8px}
.num{text-align:right}
"""


def write_report(store: FeatureStore, file: Path, *, title: str) -> None:
    """Write the report; the file appears whole or not at all.

    Args:
        store: The site's store.
        file: Where to; one HTML file that needs no other.
        title: Heading.

    Raises:
        StoreError: The store cannot be reached or refuses.
        OSError: The file cannot be written.
    """
    people = store.identities()
    shown = people[:_MAX_PEOPLE]
    ways = [trajectory(who.identity_id, store.sightings(who.identity_id)) for who in shown]
    cameras = sorted({s.camera_id for way in ways for s in way.sightings} | set(store.camera_ids()))
    html = _page(title, ways, cameras, len(people), store)
    temporary = file.with_name(f".{file.name}.new")
    try:
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _page(
    title: str,
    ways: Sequence[Trajectory],
    cameras: Sequence[str],
    num_people: int,
    store: FeatureStore,
) -> str:
    colours = [colour_of(position) for position in range(len(ways))]
    left_out = "" if num_people == len(ways) else f"; the first {len(ways)} are shown"
    axis = time_axis(ways)
    cards = [
        _card(way, timeline_svg([way], [colour], cameras, axis), colour, store)
        for way, colour in zip(ways, colours, strict=True)
    ]
    num_sightings = sum(len(way.sightings) for way in ways)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{num_people} identities, {num_sightings} sightings, "
        f"{len(cameras)} cameras{left_out}. Times are UTC.</p>"
        f"<h2>Timeline</h2><section>{timeline_svg(ways, colours, cameras, axis)}</section>"
        f"<h2>Transitions</h2><section class='wide'>{_matrix(ways, cameras)}</section>"
        f"<h2>People</h2>{''.join(cards) or '<p>Nobody was seen.</p>'}</body></html>"
    )


def _matrix(ways: Sequence[Trajectory], cameras: Sequence[str]) -> str:
    """How often people went from each camera (rows) to each other one (columns)."""
    counts = Counter((t.from_camera_id, t.to_camera_id) for way in ways for t in way.transitions)
    head = "".join(f'<th class="num">to {escape(camera)}</th>' for camera in cameras)
    rows = "".join(
        f"<tr><th>from {escape(origin)}</th>"
        + "".join(f'<td class="num">{counts[origin, goal] or "·"}</td>' for goal in cameras)
        + "</tr>"
        for origin in cameras
    )
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _card(way: Trajectory, timeline: str, colour: str, store: FeatureStore) -> str:
    rows = "".join(
        _row(sighting, gap_before_s(way.sightings, position), store)
        for position, sighting in enumerate(way.sightings)
    )
    head = "".join(
        f"<th>{name}</th>"
        for name in (
            "",
            "time",
            "camera",
            "seconds",
            "gap",
            "similarity",
            "probability",
            "runner-up",
        )
    )
    return (
        f'<article id="{escape(way.identity_id)}" style="--hue:{colour}">'
        f"<h3>{escape(way.identity_id)}</h3>{timeline}"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div></article>"
    )


def _row(sighting: Sighting, gap_s: float | None, store: FeatureStore) -> str:
    images = "".join(
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        for data in store.thumbnails(sighting.tracklet_id)
    )
    runner_up = (
        "none"
        if sighting.runner_up_id is None
        else f"{escape(sighting.runner_up_id)} {sighting.runner_up_probability or 0:.2f}"
    )
    similarity = "first seen" if sighting.similarity is None else f"{sighting.similarity:.2f}"
    moment = datetime.fromtimestamp(sighting.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f'<tr><td class="thumbs">{images}</td><td>{moment}</td>'
        f"<td>{escape(sighting.camera_id)}</td>"
        f"<td>{sighting.ended_at - sighting.started_at:.1f}</td>"
        f"<td>{'' if gap_s is None else f'{gap_s:.1f} s'}</td><td>{similarity}</td>"
        f'<td><span class="bar" style="width:{60 * sighting.probability:.0f}px"></span>'
        f"{sighting.probability:.2f}</td><td>{runner_up}</td></tr>"
    )
