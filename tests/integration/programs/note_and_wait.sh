#!/bin/sh
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Appends a line to the file $1, waits for the file $2 to appear, and succeeds.
echo "$BUZZER_JOB_ID $BUZZER_ATTEMPT" >>"$1"
echo '{"fraction": 0.5, "message": "waiting"}' >&3
while [ ! -e "$2" ]; do sleep 0.1; done
echo '"done"'
