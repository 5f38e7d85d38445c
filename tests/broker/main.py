# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ 4.0, which the chart brings and Debian 12 does not have: as one node and as a cluster
of three, under 100 jobs a second. Nodes are killed, started again and drained; every
accepted job must end, and dispatch go on. How long it stood still is measured and
printed. Needs root, for a chroot that tests/broker/root makes once. A whole run takes about
15 minutes, so that tests/run leaves it out."""

import argparse
import contextlib
import pathlib
import sys
import tempfile
import time

from cluster import Cluster, harness
from load import Load, System

# Nothing is promised by these, they only end a run that does not go on.
GOES_ON_SECONDS = 90
CALM_SECONDS = 5
OUTAGE_SECONDS = 10


def say(text):
    print(text, flush=True)


class Report:
    def __init__(self):
        self.rows = []
        self.faults = []

    def add(self, event, broker_queues, worst, calm_after):
        self.rows.append((event, broker_queues, worst, calm_after))
        say(f"  {event:46} {broker_queues:4} queues: longest wait {worst:5.1f} s, "
            f"all well after {calm_after:5.1f} s")

    def promise(self, holds, text):
        if not holds:
            self.faults.append(text)
            say(f"  BROKEN {text}")

    def table(self):
        say("\n| event | broker queues | longest wait of a job | nothing waited 1 s after |\n"
            "| --- | --- | --- | --- |")
        for event, broker_queues, worst, calm_after in self.rows:
            say(f"| {event} | {broker_queues} | {worst:.1f} s | {calm_after:.1f} s |")


def measured(report, system, load, event, begin):
    worst, calm_after = load.wait_until_well(begin, GOES_ON_SECONDS)
    report.add(event, 3 * len(system.types), worst, calm_after)


def kill_connected(report, cluster, system, load):
    node = system.broker.connected()
    mark = system.state.mark()
    begin = time.monotonic()
    node.kill()
    system.state.wait_for_event("broker_up", since=mark, connection="buzzer-state")
    say(f"  state was connected again after {time.monotonic() - begin:.2f} s")
    measured(report, system, load, "kill -9 of the node that state is connected to", begin)
    come_back(report, cluster, system, load, node, "that node comes back")


def come_back(report, cluster, system, load, node, event):
    begin = time.monotonic()
    node.start()
    cluster.wait_until_whole()
    measured(report, system, load, event, begin)


def kill_other(report, cluster, system, load):
    mine = system.broker.connected()
    node = next(node for node in cluster.running() if node is not mine)
    begin = time.monotonic()
    node.kill()
    measured(report, system, load, "kill -9 of another node", begin)
    come_back(report, cluster, system, load, node, "that node comes back")


def kill_consumed(report, cluster, system, load):
    """All that the worker had not acked comes back, and it consumes every queue anew."""
    name = next(event["connection"] for event in system.worker.events("broker_up")
                if not event["connection"].endswith("-probe"))
    node = system.broker.connected(name)
    begin = time.monotonic()
    node.kill()
    measured(report, system, load, "kill -9 of the node that the worker is connected to", begin)
    come_back(report, cluster, system, load, node, "that node comes back")


def kill_two(report, cluster, system, load):
    """While only one of three is there nothing is dispatched, and everything accepted."""
    mine = system.broker.connected()
    gone = [mine, next(node for node in cluster.running() if node is not mine)]
    mark = system.state.mark()
    for node in gone:
        node.kill()
    time.sleep(OUTAGE_SECONDS)
    events = {event["event"] for event in system.state.events(since=mark)}
    report.promise("broker_down" in events, f"state's log says nothing of it: {events}")
    look = load.look()
    say(f"  two of three are down: broker_up {int(look.up)}, queues unprepared "
        f"{look.unprepared}, unconfirmed for "
        f"{system.gauge('state', 'buzzer_state_broker_unconfirmed_seconds'):.1f} s, "
        f"{look.ready} jobs wait; state's log has {', '.join(sorted(events))}")
    gone[0].start()
    measured(report, system, load, "two of three killed, then one comes back", time.monotonic())
    come_back(report, cluster, system, load, gone[1], "the other comes back")


def drain(report, cluster, system, load):
    node = system.broker.connected()
    begin = time.monotonic()
    node.ctl("drain", tool="rabbitmq-upgrade")
    measured(report, system, load, "rabbitmq-upgrade drain of the connected node", begin)
    begin = time.monotonic()
    node.ctl("revive", tool="rabbitmq-upgrade")
    measured(report, system, load, "rabbitmq-upgrade revive", begin)


def chart_configuration():
    """What the chart's trial broker runs with."""
    template = (harness.ROOT / "helm/buzzer/templates/rabbitmq/config.yaml").read_text()
    text = template.split("rabbitmq.conf: |\n")[1].split("enabled_plugins")[0]
    return [line.strip() for line in text.splitlines() if line.strip()]


EVENTS = {"connected": kill_connected, "consumed": kill_consumed, "other": kill_other,
          "two": kill_two, "drain": drain}


def restart(report, cluster, system, load):
    """The only node."""
    (node,) = cluster.nodes
    node.kill()
    node.start()
    measured(report, system, load, "kill -9 of the only node, from its answering", time.monotonic())


def under_load(report, cluster, broker_queues, api, events):
    with contextlib.closing(System(cluster, broker_queues)) as system, system:
        system.wait_until_prepared()
        with Load(system, api) as load:
            time.sleep(CALM_SECONDS)
            begin = time.monotonic()
            time.sleep(CALM_SECONDS)
            worst = max(look.oldest for look in load.since(begin))
            say(f"  {broker_queues} queues in peace: longest wait {worst:.2f} s, "
                f"{load.accepted} accepted")
            for event in events:
                event(report, cluster, system, load)
        deadline = time.monotonic() + GOES_ON_SECONDS
        while (succeeded := load.look().succeeded) < load.accepted and time.monotonic() < deadline:
            time.sleep(0.5)
        report.promise(succeeded == load.accepted,
                       f"{load.accepted} jobs were accepted and {succeeded} succeeded")
        report.promise(not load.refused, f"submits failed: {load.refused[:5]}")
        down = [event for event in system.worker.events("broker_down")
                if not event["connection"].endswith("-probe")]
        say(f"  {load.accepted} accepted, {succeeded} succeeded; the worker's connection was lost "
            f"{len(down)} times; redispatches "
            f"{system.gauge('state', 'buzzer_state_redispatches_total'):.0f}")


def new_types(report, cluster):
    """A worker with ten new types, four times: it consumes each once it is there."""
    lost = 0
    for _ in range(4):
        with contextlib.closing(System(cluster, 30)) as system, system:
            system.wait_until_prepared()
            jobs = [system.submit(name, 1)["id"] for name in system.types]
            for job in jobs:
                system.wait_for_state(job, "SUCCEEDED")
            lost += sum(1 for event in system.worker.events("broker_down")
                        if not event["connection"].endswith("-probe"))
            probes = sum(1 for event in system.worker.events("broker_down")
                         if event["connection"].endswith("-probe"))
            say(f"  ten new types: connection lost {lost} times so far, the probe's {probes}")
    report.promise(lost == 0, f"four workers with ten new types lost {lost} connections")


def delivery_limit(report, cluster, limit):
    """Twenty jobs of 4 s behind a concurrency of 1: giving messages back must not spend the
    broker's delivery limit, after which it drops them."""
    (node,) = cluster.nodes
    if limit:
        node.ctl("set_policy", "--apply-to", "queues", "limit", ".*",
                 f'{{"delivery-limit": {limit}}}')
    config = pathlib.Path(tempfile.mkdtemp(prefix="buzzer-limit-")) / "worker.yaml"
    config.write_text("slots: 8\nhandlers:\n  - {type: demo.echo, kind: demo.echo}\n"
                      "  - {type: demo.sleep, kind: demo.sleep, concurrency: 1}\n",
                      encoding="utf-8")
    with contextlib.closing(System(cluster, 3)) as system:
        system.worker.command[system.worker.command.index("--config") + 1] = str(config)
        with system:
            system.wait_for_types("demo.sleep")
            began = time.monotonic()
            jobs = [system.submit("demo.sleep", {"seconds": 4, "steps": 1})["id"]
                    for _ in range(20)]
            ends = []
            for job in jobs:
                system.wait_for_state(job, "SUCCEEDED", timeout=300)
                ends.append(time.monotonic())
            gap = max(later - earlier for earlier, later in zip(ends, ends[1:]))
            lost = system.state.events("broker_lost_messages")
            say(f"  delivery limit {limit or 'unset (20)'}: 20 jobs of 4 s in "
                f"{ends[-1] - began:.0f} s, longest gap {gap:.1f} s, {len(lost)} messages lost")
            report.promise(not lost, f"with a delivery limit of {limit} messages were dropped")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE",
                        help="one, types, limit, cluster; all unless named")
    parser.add_argument("--queues", default="30,600", help="broker queues, for cluster")
    parser.add_argument("--events", default=",".join(EVENTS), help="for cluster")
    return parser.parse_args()


def main():
    options = arguments()
    cases = options.cases or ["one", "types", "limit", "cluster"]
    report = Report()
    with tempfile.TemporaryDirectory() as out:
        api = harness.compile_api(out)
        if "one" in cases:
            with Cluster(1, chart_configuration()) as cluster:
                say(f"one node of RabbitMQ {cluster.version}")
                under_load(report, cluster, 30, api, [restart])
        if "limit" in cases:
            for limit in (0, 2):
                with Cluster(1) as cluster:
                    delivery_limit(report, cluster, limit)
        if "types" in cases or "cluster" in cases:
            with Cluster(3) as cluster:
                say(f"three nodes of RabbitMQ {cluster.version}")
                if "types" in cases:
                    new_types(report, cluster)
                if "cluster" in cases:
                    for broker_queues in map(int, options.queues.split(",")):
                        under_load(report, cluster, broker_queues, api,
                                   [EVENTS[name] for name in options.events.split(",")])
    report.table()
    say("\nBROKEN:\n" + "\n".join(report.faults) if report.faults else "\nevery promise was kept")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
