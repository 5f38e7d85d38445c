// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What of others' most sources include: tests/clang/check.py reads it once for all of them.
// Nothing of ours, so that a change of ours never waits for it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/dispatch.pb.h"
#include "buzzer/internal/v1/state_service.grpc.pb.h"
#include "buzzer/internal/v1/work_service.grpc.pb.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "buzzer/v1/queue_service.grpc.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
