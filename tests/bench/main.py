# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures Buzzer beside a baseline on the same machine, in turns (A B A B ...), so that
both see the same weather. Prints a table with medians, spread and ratios, and writes the
figures as JSON. README.md says how each figure is made and what it leaves out."""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402

import cases  # noqa: E402
import peers  # noqa: E402

NEED_PEERS = {"rest", "peers", "compare", "cost", "profile"}
# It needs --base, so it runs only when it is named.
UNLESS_NAMED = [name for name in cases.ALL if name != "compare"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*",
                        help=f"of {', '.join(cases.ALL)}; all but compare unless named")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns")
    parser.add_argument("--scale", type=float, default=1, help="of the number of jobs")
    parser.add_argument("--base", type=pathlib.Path, metavar="DIR",
                        help="compare: another checkout with its release build")
    parser.add_argument("--json", default=str(harness.ROOT / "build/bench.json"))
    return parser.parse_args()


def main():
    options = arguments()
    unknown = [name for name in options.case if name not in cases.ALL]
    if unknown:
        print(f"no such case: {', '.join(unknown)}; there are {', '.join(cases.ALL)}",
              file=sys.stderr)
        return 2
    if "compare" in options.case and not (
            options.base and (options.base / "build/release/bin/buzzer-state").exists()):
        print("compare needs --base DIR: a checkout of what to compare with, and in its "
              "build/release a whole build", file=sys.stderr)
        return 2
    for program in ("buzzer-load", "buzzer-broker-ceiling", "buzzer-watchers"):
        if not (harness.BIN_DIR / program).exists():
            print(f"{harness.BIN_DIR / program} is not there: cmake --preset release && cmake "
                  "--build --preset release", file=sys.stderr)
            return 2
    if NEED_PEERS & set(options.case or UNLESS_NAMED) and peers.missing():
        print(f"not there: {peers.missing()}; tools/setup bench installs it", file=sys.stderr)
        return 2
    results = {}
    broker = harness.Broker()
    try:
        for name in options.case or UNLESS_NAMED:
            print(f"== {name}", flush=True)
            results[name] = cases.ALL[name](broker, options)
            for line in results[name].lines():
                print(line, flush=True)
    finally:
        broker.close()
    pathlib.Path(options.json).write_text(
        json.dumps({name: result.figures() for name, result in results.items()}, indent=1),
        encoding="utf-8")
    print(f"\nwritten to {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
