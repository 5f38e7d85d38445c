# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Breaks a real system under load and checks that every promise held.

Starts frontend, two workers, state, RabbitMQ and Envoy, loads them, injects faults in an
order that the seed alone decides, heals, waits for quiet and checks the whole history.
Exits 1 with the whole history of a job for which a promise was broken. README.md tells
more."""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import plants

QUIET_SECONDS = 120
ROUND_SECONDS = 25
PLANT_SECONDS = 120
SHOWN_VIOLATIONS = 5
# What ctest takes for skipped.
SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90, help="how long to inject faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds, or first words of kinds: kill,cut")
    parser.add_argument("--rate", type=float, default=25, help="submits a second")
    parser.add_argument("--bin-dir", help="the programs; build/faults/bin unless set (it has "
                        "the crash points), or build/release/bin if that is not there")
    parser.add_argument("--plant", help="switch this bug on, and expect that it is found")
    parser.add_argument("--list", action="store_true", help="print the kinds, and end")
    parser.add_argument("--plants", action="store_true", help="each planted bug in turn")
    parser.add_argument("--summary", metavar="FILE", help="write the table's figures as JSON")
    parser.add_argument("--sum", metavar="FILE", nargs="+", help="print the sum of such files, "
                        "and end")
    parser.add_argument("--keep", action="store_true", help="keep the run's directory")
    return parser.parse_args()


def say(text):
    print(text, flush=True)


def programs(options):
    if options.bin_dir:
        return pathlib.Path(options.bin_dir).resolve()
    builds = pathlib.Path(__file__).resolve().parents[2] / "build"
    return next((builds / build / "bin" for build in ("faults", "release")
                 if (builds / build / "bin/buzzer-state").exists()), builds / "release/bin")


def usable(kinds_module, only):
    kinds = []
    for kind in kinds_module.chosen([word for word in only.split(",") if word]):
        why = kind.missing()
        if why:
            say(f"  without {kind.name}: {why}")
        else:
            kinds.append(kind)
    return kinds


def main():
    options = arguments()
    # The harness reads it as it is imported.
    os.environ["BUZZER_BIN_DIR"] = str(programs(options))
    import kinds
    if options.list:
        for kind in kinds.ALL:
            say(f"{kind.name:28} {kind.missing() and 'not here: ' + kind.missing()}")
        return 0
    if options.sum:
        import report
        say(report.table(report.merge(json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
                                      for file in options.sum)))
        return 0
    if options.plants:
        return hunt_all(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.plant and not options.only:
        options.only = plants.KINDS_OF.get(options.plant, "")
    say(f"seed {options.seed}, programs of {os.environ['BUZZER_BIN_DIR']}")
    if options.plant and kinds.crash_points.missing():
        say(f"bugs are planted in the fault build only: {kinds.crash_points.missing()}")
        return SKIPPED
    chosen = usable(kinds, options.only)
    if not chosen:
        say("no kind of fault is left")
        return 2
    directory = pathlib.Path(tempfile.mkdtemp(prefix="buzzer-faults-"))
    failed = True
    try:
        with contextlib.ExitStack() as stack:
            from run_once import Run
            run = Run(stack, options, chosen, directory, say)
            failed = hunt(run, options) if options.plant else prove(run, options)
    finally:
        if failed or options.keep:
            say(f"what was recorded is kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if failed else 0


def show(run, facts, violations):
    import report
    for one in violations[:SHOWN_VIOLATIONS]:
        say(f"\nVIOLATION {one.rule}: {one.text}")
        if one.job:
            say(report.history(facts, one.job))
    if len(violations) > SHOWN_VIOLATIONS:
        say(f"... and {len(violations) - SHOWN_VIOLATIONS} more")
    for trouble in run.troubles():
        say(f"\nTROUBLE {trouble}")


def prove(run, options):
    import checker
    import report
    run.inject(time.time() + options.seconds)
    facts = run.facts(QUIET_SECONDS)
    run.stop()
    violations, repeats = checker.check(facts)
    say("")
    total = report.summary(facts, violations, repeats)
    say(report.table(total))
    if options.summary:
        pathlib.Path(options.summary).write_text(json.dumps(total), encoding="utf-8")
    for line in report.late(facts, repeats):
        say(line)
    show(run, facts, violations)
    failed = bool(violations or run.troubles() or not facts.quiet)
    if not facts.quiet:
        say(f"\nnot quiet after {QUIET_SECONDS} s")
    say(f"\nseed {options.seed}: " + (f"{len(violations)} VIOLATIONS, {len(run.troubles())} "
                                      "troubles" if failed else "no violation"))
    return failed


def hunt(run, options):
    """Whether the planted bug stays hidden for all the time there is."""
    import checker
    began = time.time()
    while time.time() - began < PLANT_SECONDS:
        run.inject(time.time() + ROUND_SECONDS)
        facts = run.facts(20)
        violations, _ = checker.check(facts)
        took = time.time() - began
        if violations:
            show(run, facts, violations[:1])
            say(f"\nplanted {options.plant}: found ({violations[0].rule}) after {took:.0f} s")
            return False
        say(f"  nothing found yet, after {took:.0f} s")
        run.go_on()
    say(f"\nplanted {options.plant}: NOT FOUND within {PLANT_SECONDS} s")
    return True


def hunt_all(options):
    """Each in a process and a system of its own."""
    missed = []
    for plant in plants.KINDS_OF:
        command = [sys.executable, __file__, "--plant", plant, "--seed", str(options.seed)]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        say(found.stdout.strip().splitlines()[-1])
        if found.returncode == SKIPPED:
            return SKIPPED
        if found.returncode:
            missed.append(plant)
            say(found.stdout)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
