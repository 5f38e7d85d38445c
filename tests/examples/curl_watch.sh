#!/usr/bin/env bash
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints a job's changes as they happen, as server-sent events.
#   ./curl_watch.sh ID [LAST_EVENT_ID]
# With the last id that was seen it misses nothing, and repeats nothing.
set -euo pipefail
rest=${BUZZER_REST:-http://127.0.0.1:8080}

curl -sS -N --fail-with-body "$rest/v1/jobs/$1:watch" ${2:+-H "Last-Event-ID: $2"}
