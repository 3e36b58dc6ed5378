#!/usr/bin/env python3
"""A preprocessor of mdBook: links out of docs/src lead to the repository's pages, since the book has only its own.

In the sources such links stay relative, so that they work in a checkout and on the forge.
"""
import json
import os.path
import re
import sys

LINK = re.compile(r"\]\((\.\./[^)#]*)")


def with_links(item, repository):
    chapter = item.get("Chapter") if isinstance(item, dict) else None
    if chapter is None:
        return
    folder = os.path.join("docs/src", os.path.dirname(chapter.get("path") or ""))
    inside = lambda link: os.path.normpath(os.path.join(folder, link.group(1)))
    chapter["content"] = LINK.sub(lambda link: f"]({repository}/{inside(link)}", chapter["content"])
    for below in chapter["sub_items"]:
        with_links(below, repository)


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    context, book = json.load(sys.stdin)
    repository = context["config"]["output"]["html"]["git-repository-url"] + "/blob/main"
    for item in book.get("items", book.get("sections", [])):
        with_links(item, repository)
    json.dump(book, sys.stdout)


main()
