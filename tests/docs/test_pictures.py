"""Pictures of the documentation are those that `make pictures` makes, and small."""

from __future__ import annotations

import re

from tests.docs.pages import PAGES, ROOT

PICTURES = ROOT / "docs/pictures"


def test_each_picture_is_made_shown_and_small():
    """
    packaging/pictures.py names each file, some page shows it, and none has more than 60 kB.
    """
    files = {file.name for file in PICTURES.iterdir()}
    script = (ROOT / "packaging/pictures.py").read_text("utf-8")
    shown = {name for page in PAGES for name in re.findall(r"!\[[^\]]+\]\([\w/]*pictures/([\w.]+)\)", page.read_text())}

    assert {f"{name}.png" for name in re.findall(r'\("(\w+)", \d+\)', script)} == files == shown
    assert [] == [file.name for file in PICTURES.iterdir() if file.stat().st_size > 60_000]
