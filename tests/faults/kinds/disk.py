# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""State's disk: full, or failing its fsyncs.

The disk that can be filled is a small tmpfs, mounted for the run where we are root. The
failing fsync is a library's (preload/), which fails while a file has content."""

import errno
import os
import shutil
import subprocess
import time

from kinds.kind import Kind, start_again
from system import HERE, harness

DISK_MIB = 256
TOUCHES = frozenset(["state", "worker", "broker", "frontend"])


def mount(directory):
    """A small disk at directory; returns how to get rid of it."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "tmpfs",
                    directory], check=True)

    def unmount():
        subprocess.run(["umount", "-l", directory], check=False)
        # What the system could not remove while something was mounted there.
        shutil.rmtree(directory.parent, ignore_errors=True)

    return unmount


def cannot_mount():
    return "" if os.geteuid() == 0 else "needs root, for a mount"


def preload_library():
    """The one built with the programs under test, or None."""
    build = harness.BIN_DIR.parent
    for directory in (harness.BIN_DIR, build / "lib", build / "tests/faults/preload"):
        for found in sorted(directory.glob("*disk_faults*.so")):
            return found
    return None


def no_library():
    return "" if preload_library() else f"no library of disk faults beside the programs ({HERE.name}/preload)"


def _filler(system):
    return system.directory / "state" / "filler"


def fill(system, _step):
    with open(_filler(system), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error


def empty(system, _step):
    _filler(system).unlink()
    return start_again(system.state)


def fail_fsync(system, _step):
    system.files["state"]["fsync"].write_text("EIO\n")


def mend_fsync(system, _step):
    system.files["state"]["fsync"].unlink()
    # It may end itself after a failure: what the page cache says is not trusted then.
    time.sleep(0.2)
    return start_again(system.state)


KINDS = [
    Kind("disk.full", fill, empty, hold=(1, 4), touches=TOUCHES, missing=cannot_mount),
    Kind("disk.fsync", fail_fsync, mend_fsync, hold=(0.5, 3), touches=TOUCHES,
         missing=no_library),
]
