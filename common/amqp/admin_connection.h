// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ADMIN_CONNECTION_H_
#define COMMON_AMQP_ADMIN_CONNECTION_H_

#include <amqp.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/amqp/admin_channel.h"
#include "common/amqp/connection.h"
#include "common/amqp/connection_thread.h"
#include "common/mutex/mutex.h"

namespace buzzer::amqp {

// A connection for administration alone, so that a call over which the broker ends the connection
// (it does where it would have to say that something is wrong with itself) ends nothing else. It
// comes with the first call and goes when there has been none for a while. Several calls are
// under way at once, on a channel each: one without an answer holds up no other.
//
// Thread-safe. Callbacks run on the connection's thread and may call back here.
class AdminConnection final : private Session {
 public:
  // `calls_at_once` channels; with one, a call that is told ABORTED is why the connection ended,
  // or at least nothing else here is.
  AdminConnection(ConnectionOptions options, absl::Duration rpc_timeout, int calls_at_once);
  // Ends the connection and joins its thread; calls that wait are told UNAVAILABLE.
  ~AdminConnection() override;
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;

  // `request.done` is called exactly once: UNAVAILABLE if there is no connection within the
  // timeout of a call, or if no channel is left that the broker answers; ABORTED if the
  // connection ended during the call, perhaps because of it; RESOURCE_EXHAUSTED when 10 000
  // calls wait; INVALID_ARGUMENT for a queue's name that is empty or longer than 255 bytes.
  void Add(AdminRequest request);

 private:
  struct Waiting {
    AdminRequest request;
    absl::Duration since;
  };

  // Session, on the connection's thread.
  void OnConnected(Connection* connection) override;
  void OnDisconnected() override;
  bool Send() override;
  absl::Duration CheckDeadlines(absl::Duration now) override;
  void RefuseAll() override;
  bool IsWanted() override;
  void OnMethod(amqp_channel_t channel, const amqp_method_t& method) override;
  void OnHeader(amqp_channel_t, const amqp_basic_properties_t&, uint64_t) override {}
  void OnBody(amqp_channel_t, absl::string_view) override {}
  void OnBlocked(bool) override {}  // concerns those who publish

  // Told `refusal` instead of being sent, if that is not OK.
  struct Added {
    AdminRequest request;
    absl::Status refusal;
  };

  void TakeWaiting();
  bool IsBusy() const;
  // Tells those that were added before then.
  void RefuseWaiting(absl::Duration before, const absl::Status& status);

  const absl::Duration rpc_timeout_;
  std::atomic<bool> ending_{false};

  Mutex mutex_;
  std::deque<Added> added_ ABSL_GUARDED_BY(mutex_);
  // All that waits, what the thread has taken and not sent included.
  std::atomic<int64_t> waiting_count_{0};

  // On the connection's thread.
  Connection* connection_ = nullptr;
  std::vector<AdminChannel> channels_;
  std::deque<Waiting> waiting_;
  absl::Duration idle_since_;

  ConnectionThread thread_;  // last: it uses the others
};

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_ADMIN_CONNECTION_H_
