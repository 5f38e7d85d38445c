#!/usr/bin/env bash
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Submits a job, asks until it has ended, and prints its result.
#   ./curl_submit_and_poll.sh [TYPE] [PAYLOAD]
set -euo pipefail
rest=${BUZZER_REST:-http://127.0.0.1:8080}
type=${1:-demo.sleep}
payload=${2:-'{"seconds": 3, "steps": 3}'}

# 202 Accepted: the job is on disk. `Location` is where to ask.
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
curl -sS --fail-with-body -o /dev/null -D "$headers" "$rest/v1/jobs" \
  -H 'Content-Type: application/json' -d "{\"type\": \"$type\", \"payload\": $payload}"
location=$(tr -d '\r' <"$headers" | sed -n 's/^location: //Ip')
echo "accepted: $rest$location"

# Each answer is held until the job has a newer revision, or 20 s are over; so this is
# quick to notice and light on both sides.
revision=0
while true; do
  job=$(curl -sS --fail-with-body "$rest$location?after=$revision&wait=20s")
  revision=$(jq -r .revision <<<"$job")
  state=$(jq -r .state <<<"$job")
  echo "$state $(jq -r '.progress.message // ""' <<<"$job")"
  case $state in SUCCEEDED | FAILED | CANCELLED) break ;; esac
done

# 200 and the result as the handler wrote it; 409 and the error if there is none.
curl -sS --fail-with-body "$rest$location/result"
echo
