#!/bin/sh
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# What the cases' jobs run: handler.sh KIND FILE GATE. Appends a line to FILE as it starts,
# one as it is told to stop, and one as it ends, like tests/faults/handler.sh.
kind=$1 file=$2 gate=$3
note() {
  echo "$1 $BUZZER_JOB_ID $BUZZER_ATTEMPT $$ $FAULTS_WORKER $(date +%s.%N)" >>"$file"
}
case $kind in
  stubborn) trap '' TERM ;;
  *) trap 'note term; exit 143' TERM ;;
esac
note start
case $kind in
  # For as many seconds as the payload says.
  sleep | stubborn) sleep "$(cat)" ;;
  # Until nobody holds a lock on GATE.
  wait) flock -s "$gate" true ;;
esac
note end
echo "$BUZZER_JOB_ID $BUZZER_ATTEMPT"
