# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be true under one fault: each case starts the real system, breaks it in one
way, prints its figures, and says which promise was broken.

    tests/faults/cases/run                       all cases, about 25 minutes
    tests/faults/cases/run --short               the same with shorter outages
    tests/faults/cases/run drain paused_worker   these

Exits 1 if a promise was broken or a case did not come to its end."""

import argparse
import importlib
import pathlib
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "integration")]

# With the seconds after which a case is ended from outside, in full length.
CASES = {"accepting": 900, "state_outage": 900, "broker_outage": 1500, "long_work": 1200,
         "paused_worker": 300, "drain": 600, "overload": 1200}


class TooLong(Exception):
    pass


def end_it(*_):
    raise TooLong("the case took too long")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--short", action="store_true", help="shorter outages and loads")
    options = parser.parse_args()
    unknown = sorted(set(options.cases) - set(CASES))
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return options


def run(name, short):
    """Whether every promise held."""
    from case import Case
    print(f"{name}:", flush=True)
    began = time.monotonic()
    signal.alarm(CASES[name])
    failed = None
    case = Case(name, short)
    try:
        with case:
            importlib.import_module(name).run(case)
    except Exception as error:  # Of any kind: the next case has its turn.
        traceback.print_exc()
        failed = f"did not come to its end: {type(error).__name__}"
    finally:
        signal.alarm(0)
    for text in case.broken:
        print(f"  BROKEN: {text}")
    verdict = failed or (f"{len(case.broken)} promises broken" if case.broken else "ok")
    print(f"{name}: {verdict}, {case.kept} promises kept, {time.monotonic() - began:.0f} s\n",
          flush=True)
    return not failed and not case.broken


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, end_it)
    good = [run(name, options.short) for name in options.cases or CASES]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
