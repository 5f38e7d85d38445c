#!/usr/bin/env bash
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Cancels a job and waits until it has really stopped.
#   ./curl_cancel.sh ID
set -euo pipefail
rest=${BUZZER_REST:-http://127.0.0.1:8080}

# 200: it is CANCELLED. 202: its handler is being stopped.
code=$(curl -sS --fail-with-body -o /dev/null -w '%{http_code}' -X POST "$rest/v1/jobs/$1:cancel")
echo "answer: $code"

# Answers when the job has ended, or after 20 s with the job as it stands.
until curl -sS --fail-with-body "$rest/v1/jobs/$1:wait?timeout=20s" |
  jq -e '.state == "CANCELLED"' >/dev/null; do :; done
echo "CANCELLED"
