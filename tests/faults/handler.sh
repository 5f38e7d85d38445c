#!/bin/sh
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# The handler that the load's jobs run: handler.sh KIND FILE. Each run appends a line to
# FILE as it starts and one as it ends; so short a line is appended whole, whoever else
# writes. The result names job and attempt, so that a result of a wrong attempt shows.
kind=$1 file=$2
note() {
  echo "$1 $BUZZER_JOB_ID $BUZZER_ATTEMPT $$ $FAULTS_WORKER $(date +%s.%N)" >>"$file"
}
note start
case $kind in
  short) sleep "0.0$(($$ % 9 + 1))" ;;
  # Shorter than a lease: it ends while its worker is paused, and that worker wakes up
  # with an outcome that nobody wants any more.
  long) sleep "$(($$ % 3 + 2))" ;;
  flaky)
    sleep 0.05
    if [ "$BUZZER_ATTEMPT" -eq 1 ]; then note end; exit 75; fi
    ;;
  # Fails for good until somebody retries it.
  failing)
    if [ "$BUZZER_ATTEMPT" -eq 1 ]; then note end; exit 1; fi
    ;;
  # Leaves its session and its process group, as daemons do.
  tree)
    setsid sh -c 'trap "" TERM; sleep 60; true' "tree-of-$BUZZER_JOB_ID" &
    child=$!
    sleep 3
    kill -9 "$child"
    ;;
esac
note end
printf '"%s %s"' "$BUZZER_JOB_ID" "$BUZZER_ATTEMPT"
