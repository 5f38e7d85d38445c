# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# What `helm test` runs: with bash alone, since the images have nothing else. Without a
# JOB it asks for the queues only.
set -uo pipefail
end=$((SECONDS + SECONDS_LEFT))

fail() {
  echo "FAILED: $*"
  exit 1
}

# ask METHOD PATH [BODY]: the whole answer, until the server closes.
ask() {
  exec 3<>"/dev/tcp/$GATEWAY_HOST/$GATEWAY_PORT" ||
    fail "cannot connect to $GATEWAY_HOST:$GATEWAY_PORT"
  printf '%s %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s' \
    "$1" "$2" "$GATEWAY_HOST" "${#3}" "$3" >&3
  timeout $((end > SECONDS ? end - SECONDS : 1)) cat <&3
  exec 3>&-
}

echo "GET /v1/queues"
answer=$(ask GET /v1/queues "")
[[ $answer == "HTTP/1."?" 200"* ]] || fail "wanted 200, got: $answer"
if [[ -z $JOB ]]; then
  echo "passed; no job was submitted: set helmTest.jobType to a type of your workers"
  exit 0
fi

echo "POST /v1/jobs $JOB"
while true; do
  answer=$(ask POST /v1/jobs "$JOB")
  [[ $answer == "HTTP/1."?" 202"* ]] && break
  # The type is known once a worker has announced it.
  ((SECONDS < end)) || fail "wanted 202, got: $answer"
  sleep 1
done
location=$(sed -n 's/\r$//; s/^location: //Ip' <<<"$answer")
[[ $location == /v1/jobs/* ]] || fail "202 without a Location: $answer"
echo "202, Location: $location"

echo "GET $location:watch"
events=$(ask GET "$location:watch" "")
[[ $events == *'"SUCCEEDED"'* ]] || fail "the job did not succeed within $SECONDS_LEFT s: $events"
echo "watched to SUCCEEDED"

answer=$(ask GET "$location/result" "")
[[ $answer == "HTTP/1."?" 200"* ]] || fail "wanted the result with 200, got: $answer"
echo "passed"
