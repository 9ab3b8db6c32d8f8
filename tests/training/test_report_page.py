from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from training.report_page import page, section, table, write_page


class Tags(HTMLParser):
    """Counts tags, and fails where one closes another."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, _: object) -> None:
        self.names.append(tag)
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_page_is_well_formed_and_escapes_its_texts() -> None:
    html = page("A <b>", "of & for", section("S <i>", table(["a", "b"], [["<u>", "1"]])))

    names = Tags(html).names
    assert not {"b", "i", "u"} & set(names)
    assert names.count("td") == 2
    assert "prefers-color-scheme:dark" in html


def test_table_of_no_rows_has_its_head() -> None:
    assert Tags(table(["a", "b"], [])).names.count("th") == 2


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_page("<p>", tmp_path / "page.html")

    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(OSError, match="No such file"):
        write_page("<p>", tmp_path / "no" / "page.html")
