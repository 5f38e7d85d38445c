# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What a broker does besides dying."""

import os
import pathlib
import shutil
import signal
import time

from kinds.kind import Kind

TOUCHES = frozenset(["broker"])


def _pid(system):
    return int((system.broker.directory / "node.pid").read_text())


def pause(system, _step):
    os.kill(_pid(system), signal.SIGSTOP)


def resume(system, _step):
    os.kill(_pid(system), signal.SIGCONT)


def raise_alarm(system, _step):
    system.broker.ctl("--quiet", "set_vm_memory_high_watermark", "0.00001")


def end_alarm(system, _step):
    system.broker.ctl("--quiet", "set_vm_memory_high_watermark", "0.3")


def delete_queues(system, _step):
    """All of the system's; only a few, with the types that the load uses."""
    system.broker.ctl("--quiet", "eval", f"""
        [rabbit_amqqueue:delete(Queue, false, false, <<"faults">>)
         || Queue <- rabbit_amqqueue:list(),
            {{resource, _, queue, <<"{system.prefix}.", _/binary>>}}
              <- [amqqueue:get_name(Queue)]], ok.
        """)


def _copy(system):
    return pathlib.Path(f"{system.broker.directory}-old-data")


def keep_a_copy(system):
    """Of the node's data as they would be after a power cut now: it stands still meanwhile."""
    pause(system, None)
    try:
        shutil.rmtree(_copy(system), ignore_errors=True)
        shutil.copytree(system.broker.directory / "data", _copy(system), symlinks=True)
    finally:
        resume(system, None)


def forget_copy(system):
    shutil.rmtree(_copy(system), ignore_errors=True)


def kill_and_put_back(system, _step):
    assert _copy(system).exists(), "no copy of the broker's data was kept"
    system.broker.kill()
    # The kill is not waited for by its sender.
    while pathlib.Path(f"/proc/{_pid(system)}/exe").exists():
        time.sleep(0.02)
    shutil.rmtree(system.broker.directory / "data")
    shutil.copytree(_copy(system), system.broker.directory / "data", symlinks=True)


def start(system, _step):
    system.broker.start()
    answered = time.time()
    keep_a_copy(system)
    return answered


KINDS = [
    Kind("pause.broker", pause, resume, hold=(2, 8), touches=TOUCHES),
    Kind("broker.alarm", raise_alarm, end_alarm, hold=(2, 5), touches=TOUCHES),
    Kind("broker.queues_deleted", delete_queues, touches=TOUCHES),
    Kind("broker.old_data", kill_and_put_back, start, touches=TOUCHES),
]
