# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Remembers which sources have passed a check, under the user's cache directory.

A pass is for the source and all it includes as they are now, wherever the tree stands: so a
fresh clone, another worktree and a branch that was left and is taken up again begin with what
passed there. Only passes are kept. What is not asked for within a month is forgotten.
"""

import hashlib
import json
import os
import pathlib
import time

KEPT_SECONDS = 30 * 24 * 3600


def directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "buzzer" / "clang"


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class Verdicts:
    """Of one tree. Thread-safe: each entry is a file, written whole."""

    def __init__(self, root, store):
        self._root = root
        self._store = store
        self._contents = {}
        store.mkdir(parents=True, exist_ok=True)

    def passed(self, check, source):
        """Whether this source passed this check (a text that names all else that it depends
        on) with the same contents of all that it includes."""
        includes = self.includes(source)
        return includes is not None and self._used(self._pass(check, source, includes))

    def includes(self, source):
        """The tree's own headers that this source includes, as it was last told; None if it
        has changed since."""
        file = self._includes(source)
        return json.loads(file.read_text()) if self._used(file) else None

    def learn_includes(self, source, includes):
        self._write(self._includes(source), json.dumps(sorted(includes)))

    def learn_pass(self, check, source):
        self._write(self._pass(check, source, self.includes(source)), "")

    def forget_the_old(self):
        for file in self._store.iterdir():
            try:
                if time.time() - file.stat().st_mtime > KEPT_SECONDS:
                    file.unlink()
            except FileNotFoundError:
                pass  # Another run was quicker.

    def _includes(self, source):
        return self._store / digest("includes", source, self._content(source))

    def _pass(self, check, source, includes):
        parts = [part for path in [source, *includes] for part in (path, self._content(path))]
        return self._store / digest("pass", check, *parts)

    def _content(self, path):
        if path not in self._contents:
            try:
                text = (self._root / path).read_bytes()
            except FileNotFoundError:
                text = b"(gone)"
            self._contents[path] = hashlib.sha256(text).hexdigest()
        return self._contents[path]

    def _used(self, file):
        try:
            os.utime(file)
            return True
        except FileNotFoundError:
            return False

    def _write(self, file, text):
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_text(text)
        part.replace(file)
