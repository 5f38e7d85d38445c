// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-broker-ceiling: what RabbitMQ by itself moves through a quorum queue, over bare
// rabbitmq-c: persistent messages, published with confirms on one connection, consumed and
// acked on another. What Buzzer's rates are held against. Prints one line of JSON.
//
//   buzzer-broker-ceiling AMQP_URL QUEUE MESSAGES BYTES

#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

namespace {

constexpr int kWindow = 1000;    // Unconfirmed at most.
constexpr int kPrefetch = 1000;  // Unacked at most.
constexpr int kAckEach = 32;     // Acked with one frame.
constexpr int kFrameBytes = 128 << 10;

[[noreturn]] void Die(const char* what) {
  std::cerr << "buzzer-broker-ceiling: " << what << "\n";
  std::exit(1);
}

// A connection with one channel. Lives on one thread.
class Connection {
 public:
  explicit Connection(std::string url) {
    amqp_connection_info info;
    amqp_default_connection_info(&info);
    // Cuts the URL into pieces in place.
    if (amqp_parse_url(url.data(), &info) != AMQP_STATUS_OK) Die("bad URL");
    amqp_socket_t* const socket = amqp_tcp_socket_new(connection_);
    if (amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK) Die("cannot connect");
    if (amqp_login(connection_, info.vhost, 0, kFrameBytes, 0, AMQP_SASL_METHOD_PLAIN, info.user,
                   info.password)
            .reply_type != AMQP_RESPONSE_NORMAL) {
      Die("cannot log in");
    }
    amqp_channel_open(connection_, 1);
    Check("channel.open");
  }
  ~Connection() { amqp_destroy_connection(connection_); }

  amqp_connection_state_t get() const { return connection_; }

  void Check(const char* what) const {
    if (amqp_get_rpc_reply(connection_).reply_type != AMQP_RESPONSE_NORMAL) Die(what);
  }

 private:
  const amqp_connection_state_t connection_ = amqp_new_connection();
};

amqp_bytes_t Bytes(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

void Consume(const std::string& url, const std::string& queue, int messages) {
  const Connection connection(url);
  amqp_basic_qos(connection.get(), 1, 0, kPrefetch, 0);
  amqp_basic_consume(connection.get(), 1, Bytes(queue), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  connection.Check("basic.consume");
  for (int i = 1; i <= messages; ++i) {
    amqp_maybe_release_buffers(connection.get());
    amqp_envelope_t envelope;
    if (amqp_consume_message(connection.get(), &envelope, nullptr, 0).reply_type !=
        AMQP_RESPONSE_NORMAL) {
      Die("cannot consume");
    }
    if (i % kAckEach == 0 || i == messages) {
      amqp_basic_ack(connection.get(), 1, envelope.delivery_tag, 1);
    }
    amqp_destroy_envelope(&envelope);
  }
}

// Returns when the broker has confirmed all.
void Publish(const Connection& connection, const std::string& queue, int messages, int bytes) {
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = 2;
  const std::string body(static_cast<size_t>(bytes), 'x');
  int64_t sent = 0;
  int64_t confirmed = 0;
  while (confirmed < messages) {
    for (; sent < messages && sent - confirmed < kWindow; ++sent) {
      amqp_basic_publish(connection.get(), 1, amqp_empty_bytes, Bytes(queue), 0, 0, &properties,
                         Bytes(body));
    }
    amqp_maybe_release_buffers(connection.get());
    amqp_frame_t frame;
    if (amqp_simple_wait_frame(connection.get(), &frame) != AMQP_STATUS_OK) Die("lost");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
      continue;
    }
    const auto* ack = static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded);
    confirmed = ack->multiple ? static_cast<int64_t>(ack->delivery_tag) : confirmed + 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) Die("usage: buzzer-broker-ceiling AMQP_URL QUEUE MESSAGES BYTES");
  const std::string url = argv[1];
  const std::string queue = argv[2];
  const int messages = static_cast<int>(strtol(argv[3], nullptr, 10));
  const int bytes = static_cast<int>(strtol(argv[4], nullptr, 10));
  const Connection connection(url);
  amqp_table_entry_t type = {};
  type.key = amqp_cstring_bytes("x-queue-type");
  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes("quorum");
  amqp_queue_declare(connection.get(), 1, Bytes(queue), 0, 1, 0, 0, {1, &type});
  connection.Check("queue.declare");
  amqp_confirm_select(connection.get(), 1);
  connection.Check("confirm.select");

  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::thread consumer([&] { Consume(url, queue, messages); });
  Publish(connection, queue, messages, bytes);
  const double confirmed = seconds();
  consumer.join();
  const double consumed = seconds();
  amqp_queue_delete(connection.get(), 1, Bytes(queue), 0, 0);
  std::cout << "{\"confirmed_per_second\":" << messages / confirmed
            << ",\"messages_per_second\":" << messages / consumed << "}" << std::endl;
  return 0;
}
