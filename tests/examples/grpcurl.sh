#!/usr/bin/env bash
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# Lists the services, submits a job and watches it, over gRPC. The server tells its API by
# reflection, so no proto files are needed.
#   ./grpcurl.sh
set -euo pipefail
address=${BUZZER_ADDRESS:-127.0.0.1:50051}

grpcurl -plaintext "$address" list

name=$(grpcurl -plaintext -d '{"type": "demo.sleep", "payload": {"seconds": 1, "steps": 2}}' \
  "$address" buzzer.v1.JobService/SubmitJob | jq -r .name)
echo "submitted $name"

grpcurl -plaintext -d "{\"name\": \"$name\"}" "$address" buzzer.v1.JobService/WatchJob
