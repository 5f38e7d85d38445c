// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/call_metadata.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

std::optional<std::string> FindMetadata(const grpc::CallbackServerContext& context,
                                        absl::string_view key) {
  const auto [begin, end] =
      context.client_metadata().equal_range(grpc::string_ref(key.data(), key.size()));
  if (begin == end) return std::nullopt;
  std::string value;
  for (auto it = begin; it != end; ++it) {
    absl::StrAppend(&value, it == begin ? "" : ", ",
                    absl::string_view(it->second.data(), it->second.size()));
  }
  return value;
}

absl::StatusOr<std::string> CallerTenant(const grpc::CallbackServerContext& context) {
  const auto header = FindMetadata(context, "x-buzzer-tenant");
  if (!header.has_value()) return ParseTenant(std::nullopt);
  return ParseTenant(absl::string_view(*header));
}

absl::StatusOr<JobTarget> FindTarget(const grpc::CallbackServerContext& context,
                                     absl::string_view name) {
  auto tenant = CallerTenant(context);
  if (!tenant.ok()) return tenant.status();
  const auto id = ParseJobName(name);
  if (!id.ok()) return id.status();
  return JobTarget{*std::move(tenant), *id};
}

absl::StatusOr<QueueTarget> FindQueue(const grpc::CallbackServerContext& context,
                                      absl::string_view name) {
  auto tenant = CallerTenant(context);
  if (!tenant.ok()) return tenant.status();
  auto queue = ParseQueueName(name);
  if (!queue.ok()) return queue.status();
  return QueueTarget{*std::move(tenant), *std::move(queue)};
}

}  // namespace buzzer::frontend
