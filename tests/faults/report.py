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


def table(facts, violations, repeats):
    kinds = collections.defaultdict(list)
    for fault in facts.faults:
        if fault["came_about"]:
            kinds[fault["kind"]].append(fault)
    lines = [f"{'fault':28} {'times':>5} {'slowest accept':>15} {'slowest run':>12}"]
    for kind, faults in sorted(kinds.items()):
        lines.append(f"{kind:28} {len(faults):5} {_slowest(faults, 'accepts_after'):>15} "
                     f"{_slowest(faults, 'runs_after'):>12}")
    rules = collections.Counter(one.rule for one in violations)
    accepted = len(checker.accepted_ids(facts))
    calls = collections.Counter((line["op"], line["phase"]) for line in facts.calls)
    lines += ["", f"faults {sum(map(len, kinds.values()))}, jobs accepted {accepted}, "
              + ", ".join(f"{name} {sum(rules[rule] for rule in of)}"
                          for name, of in RULES_OF_COLUMNS),
              f"submits: {calls['submit', 'ok']} ok, {calls['submit', 'failed']} refused, "
              f"{calls['submit', 'unknown']} unknown; cancels {calls['cancel', 'ok']} ok, "
              f"retries {calls['retry', 'ok']} ok",
              f"watch streams checked {calls['watch', 'opened']} "
              f"(of {len(checker.watches(facts))} watchers), runs "
              f"{sum(run['phase'] == 'start' for run in facts.runs)}"]
    by_fault = collections.Counter((one.cause, one.fault) for one in repeats)
    lines += [f"runs lost, as allowed: {count} by {cause} ({fault or 'NO FAULT'})"
              for (cause, fault), count in sorted(by_fault.items())]
    rerun = slowest_rerun(facts, repeats)
    if rerun is not None:
        lines.append(f"slowest rerun of a killed worker's job: {rerun:.1f} s after the kill")
    return "\n".join(lines)


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


def _slowest(faults, key):
    values = [fault.get(key) for fault in faults]
    return "never" if None in values else f"{max(values):.2f} s"


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
