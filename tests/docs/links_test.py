# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents and comments point to is there."""

import re
import urllib.parse

import pytest
from tree import ROOT, code, documents, files, text

LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
# A path from the top, or beside the file that names it.
PATH = re.compile(r"(?<![\w./@$%{}-])((?:common|services|tests|tools|protos|cmake|helm|docs)"
                  r"/[\w./*-]*[\w*])")
# Examples of a path that no file has; and files of invented ones.
NO_FILES = {"services/NAME", "helm/helm"}
INVENTED = re.compile(r"tests/(docs|lint|layering|clang)/\w+_test\.py")
SYMBOL = re.compile(r"`(?:(\w+)::)?(\w+)`")


FENCE = re.compile(r"^ *```.*?^ *```", re.S | re.M)
HEADING = re.compile(r"^#{1,6} +(.*?)\s*$", re.M)


def slug(heading):
    """What GitHub makes of a heading: of a link in it only the text counts."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w -]", "", plain.strip().lower()).replace(" ", "-")


def slugs(document):
    return [slug(heading) for heading in HEADING.findall(FENCE.sub("", document))]


def links_in(document):
    """(label, target) of each link to a file. Text in fences and in backquotes links nowhere."""
    shown = re.sub(r"`[^`\n]*`", lambda code: "" if "](" in code[0] else code[0],
                   FENCE.sub("", document))
    return [(label, urllib.parse.unquote(target)) for label, target in LINK.findall(shown)
            if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def links():
    for path in documents():
        for label, target in links_in(text(path)):
            yield pytest.param(path, label, target, id=f"{path}: {target}")


def test_links_and_headings_are_those_that_a_reader_sees():
    document = """# The `tests/run` [script](run), and _why_?
See [`A::B`](a.h) and [mail](mailto:x@y.z), `[no](link)`, [there](b%20c.md#why).
```sh
# no heading [none](none)
```
## Twice-told
"""
    assert slugs(document) == ["the-testsrun-script-and-_why_", "twice-told"]
    assert links_in(document) == [("script", "run"), ("`A::B`", "a.h"), ("there", "b c.md#why")]


@pytest.mark.parametrize("path, label, target", list(links()))
def test_a_link_leads_somewhere(path, label, target):
    file, _, anchor = target.partition("#")
    there = (ROOT / path).parent / file if file else ROOT / path
    assert there.exists(), f"{path} links to {target}, which does not exist"
    if anchor:
        assert anchor in slugs(text(str(there.resolve().relative_to(ROOT))))
    if (symbol := SYMBOL.fullmatch(label)) and there.suffix in {".h", ".cc"}:
        owner, name = symbol.groups()
        source = there.read_text()
        if owner and there.suffix == ".cc":
            assert re.search(rf"\b{owner}::{name}\b", source), f"{file} has no {owner}::{name}"
        else:
            assert re.search(rf"\b{name}\b", source), f"{file} has no {name}"
            assert not owner or re.search(rf"\b(class|struct) {owner}\b", source)


@pytest.mark.parametrize("path", documents())
def test_a_document_has_no_second_heading_of_a_name(path):
    names = slugs(text(path))
    assert len(names) == len(set(names))


def exists(path, named):
    places = (ROOT, (ROOT / path).parent)
    return any((place / named).exists() or any(place.glob(named)) for place in places)


def test_every_path_that_a_comment_or_a_document_names_exists():
    missing = []
    for path in files():
        if INVENTED.fullmatch(path):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if "#include" in line:
                continue
            missing += [f"{path}:{number}: {named}" for named in PATH.findall(line)
                        if named not in NO_FILES and not exists(path, named)]
    assert not missing, "\n".join(missing)


NAMES = {
    "metrics": re.compile(r"\bbuzzer_[a-z_]+[a-z]\b"),
    "environment variables and options of the build": re.compile(r"\bBUZZER_[A-Z_]+[A-Z]\b"),
    "reasons and states": re.compile(r"`([A-Z]+_[A-Z_]+)`"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_in_the_documents_are_in_the_code(kind):
    # The chart asks for metrics too: it must not vouch for them.
    everything = "\n".join(source for path, source in code().items()
                           if kind != "metrics" or path.startswith(("services/", "common/")))
    everything += "\n".join(text(path) for path in files() if path.startswith("tests/bench/")
                            and not path.endswith(".md"))
    missing = []
    for path in documents():
        for name in set(NAMES[kind].findall(text(path))):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if not re.search(rf"(?<![A-Za-z0-9]){base}(?![A-Za-z0-9])", everything):
                missing.append(f"{path}: {name}")
    assert not missing


def test_the_checks_see_documents_and_links():
    assert "README.md" in documents()
    assert len(list(links())) > 40
