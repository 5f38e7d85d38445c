# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The bugs that the fault build can be told to have, and the faults that bring them out."""

# BUZZER_PLANTED=NAME (common/fault_points): what to inject.
KINDS_OF = {
    "accept_before_commit": "kill.state,crash.commit",
    "publish_without_outbox": "kill.state,kill.broker",
    "confirm_ignored": "broker.queues_deleted,cut.state-broker,kill.broker",
    "ack_before_claim": "kill.worker,cut.worker-state,crash.ack",
    "no_fencing": "pause.worker",
    "lease_never_expires": "kill.worker",
    "revision_not_raised": "kill.frontend",
    "idempotency_outside_transaction": "kill.frontend",
    "commit_without_fsync": "power.state",
}
