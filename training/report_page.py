"""The page around a report: one HTML file that loads nothing, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--dim:#5b6676;--line:#dfe4ea;--card:#fff;--page:#f5f7f9;
--hit:#1a7f4b;--miss:#b3372f;--series-1:#1f6feb;--series-2:#d1602a;--series-3:#1a7f4b;
--series-4:#8250df;--series-5:#9a6700;--series-6:#bf3989}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--dim:#9aa6b5;--line:#323b47;--card:#1b222b;
--page:#12171d;--hit:#4cc38a;--miss:#f2776d;--series-1:#6cb0ff;--series-2:#f0965e;
--series-3:#4cc38a;--series-4:#b794f6;--series-5:#d9a93a;--series-6:#f08bc0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:24px 16px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:24px;margin:0}h2{font-size:18px;margin:28px 0 10px}h3{font-size:15px;margin:14px 0 6px}
p{color:var(--dim);margin:4px 0 16px;overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
.side{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr))}
figure{margin:0}svg{width:100%;height:auto;display:block}svg text{font-size:12px;fill:var(--dim)}
.grid{stroke:var(--line)}.line{fill:none;stroke-width:2}
.area{fill-opacity:.25;stroke-width:1.5}
.key{margin-right:14px;white-space:nowrap}.key i{display:inline-block;width:12px;height:12px;
border-radius:3px;margin-right:6px;vertical-align:-1px}
.wide,.lists{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 10px 5px 0;border-top:1px solid var(--line);white-space:nowrap}
th{color:var(--dim);font-weight:500;border:0}
.num{text-align:right}
.list{display:flex;gap:8px;margin-bottom:12px}
.card{flex:0 0 auto;width:78px;padding:4px;border:2px solid transparent;border-radius:6px}
.card figcaption{font-size:12px;line-height:1.35;color:var(--dim);overflow-wrap:anywhere}
.card img{display:block;width:66px;height:auto;border-radius:3px}
.query{border-color:var(--line);margin-right:10px}.hit{border-color:var(--hit)}
.miss{border-color:var(--miss)}
.absent{display:grid;place-items:center;width:66px;height:132px;border:1px dashed var(--line);
color:var(--dim);font-size:11px}
"""


def page(title: str, lead: str, body: str) -> str:
    """A whole document.

    Args:
        title: Heading, not escaped yet.
        lead: Below it, not escaped yet.
        body: HTML.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>{body}</body></html>"
    )


def section(title: str, body: str) -> str:
    """A titled part of a page; the body is HTML."""
    return f"<h2>{escape(title)}</h2><section>{body}</section>"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Texts, not escaped yet; all columns but the first stand to the right."""
    head = "".join(_cell("th", number, title) for number, title in enumerate(titles))
    lines = (
        f"<tr>{''.join(_cell('td', number, text) for number, text in enumerate(row))}</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def write_page(html: str, file: Path) -> None:
    """Write the page; the file appears whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = file.with_name(f".{file.name}.new")
    try:
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _cell(tag: str, number: int, text: str) -> str:
    kind = ' class="num"' if number else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"
