// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/rows/job_list.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <queue>
#include <utility>

#include "services/state/store/sqlite/rows/row_number.h"

namespace buzzer::state {
namespace {

// A page looks at no more than this many index rows for each job asked for.
constexpr int kScanFactor = 10;
// So many rows of a walk are read at once.
constexpr int64_t kReadAhead = 64;

bool HasLabels(const ListQuery& query, const JobRecord& job) {
  return std::all_of(query.labels.begin(), query.labels.end(), [&](const auto& label) {
    const auto it = job.spec->labels().find(label.first);
    return it != job.spec->labels().end() && it->second == label.second;
  });
}

bool Matches(const ListQuery& query, const JobRecord& job) {
  if (query.state.has_value() && job.state != *query.state) return false;
  if (!query.type.empty() && job.type() != query.type) return false;
  if (!query.queue.empty() && job.queue != query.queue) return false;
  return HasLabels(query, job);
}

}  // namespace

JobList::JobList(Database* database, JobReader* reader)
    : reader_(reader),
      kinds_(database->Prepare(
          "SELECT k.kind, c.state, c.jobs FROM kinds k JOIN counts c ON c.kind = k.kind"
          " WHERE k.tenant = ?1 AND c.jobs > 0 AND (?2 = '' OR k.type = ?2)"
          " AND (?3 = '' OR k.queue = ?3) AND (?4 IS NULL OR c.state = ?4)")),
      walk_(database->Prepare("SELECT row FROM jobs WHERE kind = ? AND state = ? AND row < ?"
                              " AND row >= ? ORDER BY row DESC LIMIT ?")),
      labelled_(database->Prepare("SELECT row FROM labels WHERE tenant = ? AND key = ?"
                                  " AND value = ? AND row < ? AND row >= ?"
                                  " ORDER BY row DESC LIMIT ?")),
      job_(reader->PrepareScan("jobs j", "WHERE j.row = ?")) {}

JobList::Bounds JobList::BoundsOf(const ListQuery& query) {
  Bounds bounds{0, std::numeric_limits<int64_t>::max()};
  if (query.created_until.has_value()) {
    bounds.below = LowestRowAt(*query.created_until);
  }
  if (query.created_from.has_value()) {
    bounds.from = LowestRowAt(*query.created_from);
  }
  if (query.before.has_value()) {
    bounds.below = std::min(bounds.below, reader_->FindNumber(*query.before));
  }
  return bounds;
}

std::vector<JobList::Walk> JobList::FindWalks(const ListQuery& query, int64_t* jobs) {
  std::vector<Walk> walks;
  kinds_.BindText(1, query.tenant).BindText(2, query.type).BindText(3, query.queue);
  if (query.state.has_value()) {
    kinds_.Bind(4, int64_t{*query.state});
  } else {
    kinds_.BindNull(4);
  }
  while (kinds_.Step()) {
    walks.push_back({kinds_.Int(0), kinds_.Int(1), {}, 0, false});
    *jobs += kinds_.Int(2);
  }
  return walks;
}

int64_t JobList::Head(Walk& walk, const Bounds& bounds) {
  if (walk.next == walk.rows.size() && !walk.at_end) {
    const int64_t below = walk.rows.empty() ? bounds.below : walk.rows.back();
    walk.rows.clear();
    walk.next = 0;
    walk_.Bind(1, walk.kind).Bind(2, walk.state).Bind(3, below).Bind(4, bounds.from);
    walk_.Bind(5, kReadAhead);
    while (walk_.Step()) walk.rows.push_back(walk_.Int(0));
    walk.at_end = walk.rows.size() < kReadAhead;
  }
  return walk.next < walk.rows.size() ? walk.rows[walk.next] : 0;
}

std::vector<int64_t> JobList::Merge(std::vector<Walk> walks, const Bounds& bounds, int limit) {
  std::vector<int64_t> rows;
  std::priority_queue<std::pair<int64_t, Walk*>> heads;
  const auto push = [&](Walk& walk) {
    if (const int64_t row = Head(walk, bounds); row > 0) heads.emplace(row, &walk);
  };
  for (Walk& walk : walks) push(walk);
  while (!heads.empty() && rows.size() < static_cast<size_t>(limit)) {
    const auto [row, walk] = heads.top();
    heads.pop();
    rows.push_back(row);
    ++walk->next;
    push(*walk);
  }
  return rows;
}

std::vector<int64_t> JobList::FindLabelled(const ListQuery& query, const Bounds& bounds,
                                           int limit) {
  std::vector<int64_t> rows;
  const auto& [key, value] = query.labels.front();
  labelled_.BindText(1, query.tenant).BindText(2, key).BindText(3, value);
  labelled_.Bind(4, bounds.below).Bind(5, bounds.from).Bind(6, int64_t{limit});
  while (labelled_.Step()) rows.push_back(labelled_.Int(0));
  return rows;
}

ListPage JobList::Read(const ListQuery& query) {
  const int scan_limit = query.page_size * kScanFactor;
  const Bounds bounds = BoundsOf(query);
  int64_t jobs = 0;
  std::vector<Walk> walks = FindWalks(query, &jobs);
  // Without labels every row of the walks matches; one more than the page tells whether more come.
  const bool exact = query.labels.empty();
  const int limit = exact ? query.page_size + 1 : scan_limit;
  // Kinds and states that few jobs have narrow more than any label.
  const std::vector<int64_t> rows = exact || jobs <= scan_limit
                                        ? Merge(std::move(walks), bounds, limit)
                                        : FindLabelled(query, bounds, limit);
  ListPage page;
  std::optional<JobId> last;
  bool more = !exact && rows.size() == static_cast<size_t>(scan_limit);
  for (const int64_t row : rows) {
    if (page.jobs.size() == static_cast<size_t>(query.page_size)) {
      more = true;
      break;
    }
    job_.Bind(1, row);
    if (!job_.Step()) continue;
    JobRecord job = JobReader::Read(job_);
    job_.Reset();
    last = job.id;
    if (Matches(query, job)) page.jobs.push_back(std::move(job));
  }
  if (more) page.next_before = last;
  return page;
}

}  // namespace buzzer::state
