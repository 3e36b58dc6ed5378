#!/usr/bin/env python3
"""Says which links within a built book lead nowhere, without the network: scripts/book-check.py target/book"""
import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The links of a page, and what in it can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.add(attributes.get("id"))
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def dead_links(pages):
    for path, page in pages.items():
        for link in page.links:
            url = urllib.parse.urlsplit(link)
            # The 404 page is served for every path, so its links begin at the top of the site.
            if url.scheme or url.netloc or url.path.startswith("/"):
                continue
            target = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            is_dead = not target.exists()
            if not is_dead and url.fragment and target in pages:
                is_dead = urllib.parse.unquote(url.fragment) not in pages[target].anchors
            if is_dead:
                yield f"{path.name}: {link}"


def main():
    book = pathlib.Path(sys.argv[1]).resolve()
    pages = {path: Page(path) for path in book.rglob("*.html")}
    dead = list(dead_links(pages))
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, {len(dead)} lead nowhere")
    sys.exit("\n".join(dead) if dead or not pages else 0)


main()
