"""What a built site lacks: ``python docs/check.py docs/_build/html``.

Public names without a place in it, and links to pages, pictures or places that are not there.
"""

import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import reference


class Page(HTMLParser):
    """The links of a page, and the places in it that others may link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, and its place."""
        found = dict(attrs)
        self.places.add(found.get("id") or "")
        self.links.add(found.get("href") or found.get("src") or "")


def missing_names(site: Path) -> list[str]:
    """Return the public names that ``objects.inv`` does not have."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    there = {line.split(" ", 1)[0] for line in zlib.decompress(packed).decode().splitlines()}
    return [name for name, page in reference.public().items() if page not in there]


def broken_links(site: Path) -> list[str]:
    """Return the links within the site that lead nowhere."""
    pages = {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not link or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists() or (place and target in pages and place not in pages[target].places):
                broken.append(f"{path.relative_to(site)}: {link}")
    return broken


def main(site: Path) -> int:
    """Print what is lacking; return the exit code."""
    site = site.resolve()
    names, links = missing_names(site), broken_links(site)
    for name in names:
        print(f"no page has {name}")
    for link in links:
        print(f"broken link in {link}")
    print(f"{len(reference.public())} public names, {len(names)} missing; {len(links)} broken links")
    return int(bool(names or links))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
