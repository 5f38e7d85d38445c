#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Prints everything that /proc tells of this program's ancestors, and its own environment."""

import os
import pathlib
import sys


def show(text):
    sys.stdout.write(text.replace("\0", "\n") + "\n")


show("\n".join(f"{name}={value}" for name, value in os.environ.items()))
pid = os.getpid()
while pid > 1:
    process = pathlib.Path(f"/proc/{pid}")
    for name in ("cmdline", "environ", "status"):
        try:
            show(f"-- {name} of {pid}\n" + (process / name).read_bytes().decode(errors="replace"))
        except OSError as error:
            show(f"-- {name} of {pid}: {error.strerror}")
    pid = int((process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
