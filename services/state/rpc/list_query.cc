// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/list_query.h"

#include "services/state/job/job_record.h"

namespace buzzer::state {

ListQuery ToQuery(const internal::v1::ListJobsRequest& request) {
  ListQuery query;
  query.tenant = request.tenant();
  query.page_size = request.page_size();
  query.before = JobId::FromBytes(request.before_id());
  if (request.state() != v1::Job::STATE_UNSPECIFIED) query.state = request.state();
  query.type = request.type();
  query.queue = request.queue();
  for (const auto& [key, value] : request.labels()) query.labels.emplace_back(key, value);
  if (request.has_created_from()) query.created_from = FromTimestamp(request.created_from());
  if (request.has_created_until()) query.created_until = FromTimestamp(request.created_until());
  return query;
}

}  // namespace buzzer::state
