#!/usr/bin/env bash
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Submits with an idempotency key, twice, as a client does that never got its answer.
#   ./curl_idempotent_submit.sh KEY
set -euo pipefail
rest=${BUZZER_REST:-http://127.0.0.1:8080}

submit() {
  curl -sS --fail-with-body --retry 5 --retry-all-errors "$rest/v1/jobs" \
    -H "Idempotency-Key: $1" -H 'Content-Type: application/json' \
    -d '{"type": "demo.echo", "payload": {"order": 4711}}' | jq -r .id
}

# Both print the same id, and the job runs once. The same key with another request is
# refused with 422.
submit "$1"
submit "$1"
