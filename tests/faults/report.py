# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What a run prints: the table of its faults and the whole history of a job that went wrong."""

import collections

import checker

# From the start of a killed part, or from the broker's first answer.
PROMISED_SECONDS = 5
RULES_OF_COLUMNS = (("lost", ("lost", "told and lost", "half")),
                    ("ended twice", ("ended twice",)), ("stale writes taken", ("stale",)),
                    ("run twice", ("run twice", "run unclaimed", "attempt")))


def summary(facts, violations, repeats):
    """What a run showed, as a value that JSON can hold and merge can add up."""
    faults = {}
    for fault in facts.faults:
        if fault["came_about"]:
            sum_of = faults.setdefault(fault["kind"], {"times": 0, "accepts": [], "runs": []})
            sum_of["times"] += 1
            for key in ("accepts", "runs"):
                sum_of[key] = _slowest([*sum_of[key], fault.get(f"{key}_after")])
    calls = collections.Counter(f"{line['op']} {line['phase']}" for line in facts.calls)
    rerun = slowest_rerun(facts, repeats)
    return {
        "faults": faults,
        "accepted": len(checker.accepted_ids(facts)),
        "rules": dict(collections.Counter(one.rule for one in violations)),
        "calls": dict(calls),
        "watchers": len(checker.watches(facts)),
        "runs": sum(run["phase"] == "start" for run in facts.runs),
        "repeats": dict(collections.Counter(f"{one.cause} ({one.fault or 'NO FAULT'})"
                                            for one in repeats)),
        "rerun": [] if rerun is None else [rerun],
    }


def merge(summaries):
    """One summary of several runs."""
    total = summary(checker.Facts([], {}, {}, [], [], []), [], [])
    for one in summaries:
        for kind, found in one["faults"].items():
            sum_of = total["faults"].setdefault(kind, {"times": 0, "accepts": [], "runs": []})
            sum_of["times"] += found["times"]
            for key in ("accepts", "runs"):
                sum_of[key] = _slowest(sum_of[key] + found[key])
        for key in ("accepted", "watchers", "runs"):
            total[key] += one[key]
        for key in ("rules", "calls", "repeats"):
            total[key] = dict(collections.Counter(total[key]) + collections.Counter(one[key]))
        total["rerun"] = _slowest(total["rerun"] + one["rerun"])
    return total


def table(total):
    lines = [f"{'fault':28} {'times':>5} {'slowest accept':>15} {'slowest run':>12}"]
    for kind, found in sorted(total["faults"].items()):
        lines.append(f"{kind:28} {found['times']:5} {_shown(found['accepts']):>15} "
                     f"{_shown(found['runs']):>12}")
    calls = collections.Counter(total["calls"])
    rules = collections.Counter(total["rules"])
    lines += ["", f"faults {sum(found['times'] for found in total['faults'].values())}, "
              f"jobs accepted {total['accepted']}, "
              + ", ".join(f"{name} {sum(rules[rule] for rule in of)}"
                          for name, of in RULES_OF_COLUMNS),
              f"submits: {calls['submit ok']} ok, {calls['submit failed']} refused, "
              f"{calls['submit unknown']} unknown; cancels {calls['cancel ok']} ok, "
              f"retries {calls['retry ok']} ok",
              f"watch streams checked {calls['watch opened']} (of {total['watchers']} watchers), "
              f"runs {total['runs']}"]
    lines += [f"runs lost, as allowed: {count} by {why}"
              for why, count in sorted(total["repeats"].items())]
    if total["rerun"]:
        lines.append(f"slowest rerun of a killed worker's job: {total['rerun'][0]:.1f} s after "
                     "the kill")
    return "\n".join(lines)


def _slowest(values):
    """As a list of one, so that None (never) stays apart from nothing measured."""
    return [None] if None in values else [max(values)] if values else []


def _shown(slowest):
    return "" if not slowest else "never" if slowest[0] is None else f"{slowest[0]:.2f} s"


def late(facts, repeats):
    """Recoveries slower than promised. Told, and no violation: a busy machine is no bug."""
    lines = []
    for fault in facts.faults:
        for kinds, key, what in (("kill.frontend kill.state crash", "accepts_after", "accepted"),
                                 ("kill.broker", "runs_after", "dispatched")):
            after = fault.get(key)
            if fault["kind"].startswith(tuple(kinds.split())) and after is not None \
                    and after > PROMISED_SECONDS:
                lines.append(f"LATE: after fault {fault['number']} ({fault['kind']}) nothing was "
                             f"{what} for {after:.1f} s")
    rerun = slowest_rerun(facts, repeats)
    if rerun is not None and rerun > facts.lease + facts.grace + 2:
        lines.append(f"LATE: a killed worker's job ran again after {rerun:.1f} s")
    return lines


def slowest_rerun(facts, repeats):
    """From the kill of a worker to the start of its jobs' next attempts elsewhere."""
    starts = {(run["job"], run["attempt"]): run["t"] for run in facts.runs
              if run["phase"] == "start"}
    kills = [fault["injected"] for fault in facts.faults if fault["kind"] == "kill.worker"]
    waits = []
    for one in repeats:
        lost, following = (starts.get((one.job, one.attempt + more)) for more in (0, 1))
        # Of a first attempt: later ones wait longer before the next.
        if one.attempt > 1 or one.fault != "kill.worker" or None in (lost, following):
            continue
        waits += [following - kill for kill in kills if lost <= kill <= following][:1]
    return max(waits, default=None)


def history(facts, job):
    """All that is known of one job, in the order of time."""
    lines = []
    for line in facts.calls:
        if line.get("job") == job:
            rest = {key: value for key, value in line.items()
                    if key not in ("t", "op", "phase", "job")}
            lines.append((line["t"], f"caller  {line['op']} {line['phase']} {rest}"))
    record = facts.jobs.get(job)
    for event in record["history"] if record else ():
        lines.append((event["time"], f"record  {event['cause']} -> {event['state']}, revision "
                      f"{event['revision']}, attempt {event['attempt']} {event['reason']}"))
    for run in facts.runs:
        if run["job"] == job:
            lines.append((run["t"], f"handler {run['phase']} attempt {run['attempt']}, pid "
                          f"{run['pid']} on {run['worker']}"))
    if lines:
        first, last = min(at for at, _ in lines), max(at for at, _ in lines)
        for fault in facts.faults:
            if first - 10 <= fault["injected"] <= last:
                name = f"fault   {fault['number']} {fault['kind']} {fault['part']} {fault['mode']}"
                lines.append((fault["injected"], name + " injected"))
                if fault["healed"] is not None:
                    lines.append((fault["healed"], name + " healed"))
    head = f"job {job}: " + (f"{record['state']}, attempt {record['attempt']}, revision "
                             f"{record['revision']}" if record else "not there")
    return "\n".join([head, *(f"  {at:.3f} {text}" for at, text in sorted(lines))])
