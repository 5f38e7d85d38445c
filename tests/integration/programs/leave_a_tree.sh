#!/bin/sh
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# A program that does what makes it hard to end: forks, changes the session, detaches,
# ignores TERM. Every process of it carries the word given as $1 in its command line.
word=$1
echo "$BUZZER_JOB_ID $BUZZER_ATTEMPT" >>"$2"
sh -c "trap '' TERM; while :; do sleep 1; done" "$word-ignores-term" &
setsid sh -c "sleep 1000 & while :; do sleep 1; done" "$word-own-session" &
(setsid setsid -f sh -c 'while :; do sleep 1; done' "$word-daemon" </dev/null >/dev/null 2>&1 &)
echo '{"fraction": 0.1, "message": "tree stands"}' >&3
while :; do sleep 1; done
