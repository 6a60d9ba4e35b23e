"""Links lead somewhere: to a file of this repository, and to a heading of a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_anchors_resolve(page):
    """
    Each relative link names a file that is there, and each anchor a heading.
    """
    broken = [target for target in LINK.findall(prose(page)) if not _resolves(page, target)]

    assert [] == broken


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=name_of)
def test_each_page_can_be_reached(page):
    """
    Some other page links to it.
    """
    targets = {
        (one.parent / target.partition("#")[0]).resolve() for one in PAGES for target in LINK.findall(prose(one))
    }

    assert page in targets


def _resolves(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and GitLab make them."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {slug if not number else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)}
