# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The load: submitters with and without keys, watchers, cancellers and retriers. Each call
is recorded as invoked and then as ok, failed or unknown. Bounded everywhere: by the number
of threads, and by each call's deadline."""

import collections
import queue
import random
import threading
import time

import grpc

from client import GrpcClient, RestClient
from system import LEASE_SECONDS, processes_of

SUBMITTERS = 24
WATCHERS = 8
CLOSED_EYES = 2
KINDS = ("short",) * 14 + ("long",) * 3 + ("flaky",) + ("failing",) + ("tree",)
# A key's owner goes on until it knows, as clients should.
KEY_TRIES = 60
RECENT = 300
# Of one stream, in seconds.
CALL_LIMIT = 8


class Load:
    def __init__(self, system, api, recorder, seed, rate):
        self._record = recorder
        self._rate = rate
        self._seed = seed
        self._grpc = [GrpcClient(api, system.address) for _ in range(3)]
        self._rest = RestClient(system.base_url)
        self._stopping = threading.Event()
        self._work = queue.Queue(maxsize=SUBMITTERS)
        self._recent = collections.deque(maxlen=RECENT)  # (id, kind) of accepted jobs.
        self._failed = collections.deque(maxlen=RECENT)  # Worth a retry.
        self.alive = []
        self._threads = []

    def start(self):
        self._spawn(self._pace, "pace")
        for number in range(SUBMITTERS):
            self._spawn(self._submitter, f"submitter {number}")
        for number in range(WATCHERS):
            self._spawn(self._watcher, f"watcher {number}")
        for number in range(CLOSED_EYES):
            self._spawn(self._never_reads, f"never reads {number}")
        self._spawn(self._canceller, "canceller")
        self._spawn(self._retrier, "retrier")

    def stop(self, timeout=40):
        """Every call that is under way gets its answer or its deadline."""
        self._stopping.set()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))

    def some_jobs(self):
        """Ids of jobs that were accepted of late."""
        return [job for job, _ in list(self._recent)[-20:]]

    def close(self):
        self._stopping.set()
        for client in self._grpc:
            client.close()

    def _spawn(self, role, name):
        dice = random.Random(f"{self._seed} {name}")
        thread = threading.Thread(target=self._guarded, args=(role, dice, name), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, role, dice, name):
        try:
            role(dice)
        except Exception as error:  # A role that died would test nothing and tell nobody.
            self._record.note("load", "died", role=name, error=repr(error))

    # Submits.

    def _pace(self, dice):
        due = time.monotonic()
        while not self._stopping.is_set():
            due = max(due + dice.uniform(0.5, 1.5) / self._rate, time.monotonic() - 1)
            self._stopping.wait(max(0, due - time.monotonic()))
            try:
                self._work.put(self._new_request(dice), timeout=0.5)
            except queue.Full:
                pass  # Everybody waits for an answer: the load is closed by this.

    def _new_request(self, dice):
        number = self._record.number()
        kind = dice.choice(KINDS)
        request = {"type": f"faults.{kind}", "payload": str(number),
                   "lease": f"{LEASE_SECONDS}s", "labels": {"submit": str(number)}}
        keyed = dice.random() < 0.6
        return number, kind, request, f"key-{self._seed}-{number}" if keyed else "", \
            keyed and dice.random() < 0.2

    def _submitter(self, dice):
        while not self._stopping.is_set():
            try:
                number, kind, request, key, twice = self._work.get(timeout=0.3)
            except queue.Empty:
                continue
            if twice:
                # An impatient client: the same request twice at once.
                other = threading.Thread(target=self._submit, daemon=True, args=(
                    self._any_client(dice), number, kind, request, key))
                other.start()
            for _ in range(KEY_TRIES if key else 1):
                answer = self._submit(self._any_client(dice), number, kind, request, key)
                if answer.phase == "ok" or not key or self._stopping.is_set():
                    break
                self._stopping.wait(dice.uniform(0.1, 0.6))
            if twice:
                other.join(20)

    def _any_client(self, dice):
        return self._rest if dice.random() < 0.5 else dice.choice(self._grpc)

    def _submit(self, client, number, kind, request, key):
        call = self._record.number()
        self._record.note("submit", "invoked", call=call, submit=str(number), key=key)
        answer = client.submit(request, key)
        told = {"job": answer.job["id"], "state": answer.job["state"],
                "revision": answer.job["revision"]} if answer.job else {"reason": answer.reason}
        self._record.note("submit", answer.phase, call=call, submit=str(number), key=key, **told)
        if answer.job:
            self._recent.append((answer.job["id"], kind))
            if kind == "failing":
                self._failed.append(answer.job["id"])
        return answer

    # What others do with jobs.

    def _some_job(self, dice, wanted=None):
        jobs = [job for job, kind in list(self._recent)[-60:] if wanted is None or kind in wanted]
        return dice.choice(jobs) if jobs else None

    def _call(self, op, client, job):
        call = self._record.number()
        self._record.note(op, "invoked", call=call, job=job)
        answer = getattr(client, op)(job)
        told = {"state": answer.job["state"], "revision": answer.job["revision"]} \
            if answer.job else {"reason": answer.reason}
        self._record.note(op, answer.phase, call=call, job=job, **told)
        return answer

    def _canceller(self, dice):
        while not self._stopping.wait(dice.uniform(0.3, 1.2)):
            job = self._some_job(dice, ("long", "tree") if dice.random() < 0.8 else None)
            if job is None:
                continue
            answer = self._call("cancel", self._any_client(dice), job)
            deadline = time.monotonic() + 6
            while (answer.job is None or answer.job["state"] == "CANCELLING") \
                    and time.monotonic() < deadline and not self._stopping.is_set():
                time.sleep(0.1)
                answer = self._rest.get(job)
            if answer.job and answer.job["state"] == "CANCELLED":
                self._look_for_life(job, answer.job["revision"])
                if dice.random() < 0.3:
                    self._failed.append(job)

    def _look_for_life(self, job, revision):
        """Of a job that was told to be CANCELLED at this revision."""
        found = processes_of(job)
        now = self._rest.get(job) if found else None
        # Somebody may have asked for a retry meanwhile; then it may live.
        if now and now.job and now.job["revision"] == revision:
            self.alive += [{"job": job, "pid": pid, "command": command, "t": time.time(),
                            "reason": now.job["reason"]} for pid, command in found]

    def _retrier(self, dice):
        while not self._stopping.wait(dice.uniform(0.3, 1.2)):
            if self._failed:
                self._call("retry", self._any_client(dice), self._failed.popleft())

    def _watcher(self, dice):
        while not self._stopping.wait(dice.uniform(0.0, 0.2)):
            job = self._some_job(dice)
            if job is None:
                continue
            self._watch(dice, job, self._record.number())

    def _watch(self, dice, job, watcher):
        """Until the job's end, over lost streams and some that it leaves by itself."""
        after = 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not self._stopping.is_set():
            client = dice.choice(self._grpc)
            patience = dice.uniform(0.1, 1.0) if dice.random() < 0.3 else CALL_LIMIT
            self._record.note("watch", "opened", watcher=watcher, job=job, after=after)
            try:
                for response in client.watch(job, after, patience):
                    event = response.event
                    after = event.revision
                    self._record.note("watch", "event", watcher=watcher, job=job,
                                      revision=after, state=client.state_name(event.state),
                                      cause=event.cause)
                self._record.note("watch", "ended", watcher=watcher, job=job)
                return
            except (grpc.RpcError, ValueError) as error:
                code = error.code().name if isinstance(error, grpc.RpcError) else "CLOSED"
                self._record.note("watch", "broken", watcher=watcher, job=job, reason=code)
                if code == "NOT_FOUND":
                    return
                self._stopping.wait(dice.uniform(0.05, 0.3))

    def _never_reads(self, dice):
        """Opens watches and leaves them unread: nothing of the system may grow or wait."""
        while not self._stopping.wait(0.5):
            job = self._some_job(dice)
            if job is None:
                continue
            try:
                unread = [dice.choice(self._grpc).watch(job, 0, 30) for _ in range(4)]
                self._stopping.wait(dice.uniform(2, 6))
                for stream in unread:
                    stream.cancel()
            except ValueError:
                return
