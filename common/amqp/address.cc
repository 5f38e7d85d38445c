// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/address.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/secrets/secrets.h"

namespace buzzer::amqp {
namespace {

constexpr int kPort = 5672;
constexpr int kTlsPort = 5671;

// No part of the address is repeated: a password with an unescaped `/`, `@` or `:`
// ends up in any of them.
absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("broker address: ", what,
                   "; expected amqp://user:password@host:port/vhost or, for a cluster, "
                   "...@host1:port,host2:port/"
                   "vhost, with reserved characters percent-encoded"));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::StatusOr<std::string> Decode(absl::string_view part, absl::string_view name) {
  std::string decoded;
  for (size_t i = 0; i < part.size(); ++i) {
    char c = part[i];
    if (c == '%') {
      const int high = i + 2 < part.size() ? HexDigit(part[i + 1]) : -1;
      const int low = high >= 0 ? HexDigit(part[i + 2]) : -1;
      if (low < 0) {
        return Invalid(absl::StrCat("the ", name, " has a % without two hexadecimal digits"));
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    // The client library takes C strings.
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return Invalid(absl::StrCat("the ", name, " has a control character"));
    }
    decoded.push_back(c);
  }
  return decoded;
}

std::string Encode(absl::string_view part) {
  std::string encoded;
  for (const char c : part) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        absl::StrContains("-._~", absl::string_view(&c, 1))) {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<uint8_t>(c));
    }
  }
  return encoded;
}

absl::Status ParseUserInfo(absl::string_view info, Address* address) {
  const size_t colon = info.find(':');
  absl::StatusOr<std::string> user = Decode(info.substr(0, colon), "user");
  if (!user.ok()) return user.status();
  if (user->empty()) return Invalid("the user is empty");
  address->user = *std::move(user);
  if (colon == absl::string_view::npos) return Invalid("there is a user but no password");
  absl::StatusOr<std::string> password = Decode(info.substr(colon + 1), "password");
  if (!password.ok()) return password.status();
  address->password = *std::move(password);
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text, int default_port) {
  Endpoint endpoint;
  endpoint.port = default_port;
  absl::string_view host = text;
  absl::string_view port;
  bool has_port = false;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Invalid("the host has a [ without a ]");
    host = text.substr(0, end);
    text.remove_prefix(end + 1);
    has_port = absl::ConsumePrefix(&text, ":");
    if (!has_port && !text.empty()) return Invalid("only :port may follow the ] of the host");
    port = text;
  } else if (const size_t colon = text.find(':'); colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
    if (absl::StrContains(port, ':')) return Invalid("an IPv6 host must stand in [ ]");
  }
  absl::StatusOr<std::string> decoded = Decode(host, "host");
  if (!decoded.ok()) return decoded.status();
  if (decoded->empty()) return Invalid("a host is missing");
  endpoint.host = *std::move(decoded);
  // Digits only: SimpleAtoi alone also takes a sign and spaces.
  if (has_port &&
      (port.find_first_not_of("0123456789") != absl::string_view::npos ||
       !absl::SimpleAtoi(port, &endpoint.port) || endpoint.port < 1 || endpoint.port > 65535)) {
    return Invalid("a port must be a number from 1 to 65535");
  }
  return endpoint;
}

absl::Status ParseEndpoints(absl::string_view text, int default_port, Address* address) {
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    if (address->endpoints.size() == kMaxEndpoints) {
      return Invalid(absl::StrCat("it names more than ", kMaxEndpoints, " hosts"));
    }
    absl::StatusOr<Endpoint> endpoint = ParseEndpoint(part, default_port);
    if (!endpoint.ok()) return endpoint.status();
    address->endpoints.push_back(*std::move(endpoint));
  }
  return absl::OkStatus();
}

absl::Status ParseQuery(absl::string_view query, Address* address) {
  if (!absl::ConsumePrefix(&query, "cacertfile=")) {
    return Invalid("the only parameter known after ? is cacertfile=FILE");
  }
  if (!address->tls) return Invalid("cacertfile is for amqps only");
  absl::StatusOr<std::string> file = Decode(query, "cacertfile");
  if (!file.ok()) return file.status();
  if (file->empty()) return Invalid("the cacertfile is empty");
  address->tls_ca = *std::move(file);
  return absl::OkStatus();
}

}  // namespace

std::string Endpoint::ToString() const {
  const bool ipv6 = absl::StrContains(host, ':');
  // Of what Encode writes, an IPv6 host has colons as they are.
  const std::string shown = absl::StrReplaceAll(Encode(host), {{"%3A", ":"}});
  return absl::StrCat(ipv6 ? "[" : "", shown, ipv6 ? "]" : "", ":", port);
}

std::string Address::ToString() const {
  const auto append = [](std::string* out, const Endpoint& endpoint) {
    absl::StrAppend(out, endpoint.ToString());
  };
  return absl::StrCat(tls ? "amqps://" : "amqp://", Encode(user), "@",
                      absl::StrJoin(endpoints, ",", append), "/", Encode(vhost));
}

absl::StatusOr<Address> ParseAddress(absl::string_view url) {
  Address address;
  if (absl::ConsumePrefix(&url, "amqps://")) {
    address.tls = true;
  } else if (!absl::ConsumePrefix(&url, "amqp://")) {
    return Invalid("it must begin with amqp:// or amqps://");
  }
  if (absl::StrContains(url, "://")) {
    return Invalid("it has a second ://, but the hosts of a cluster stand in one address");
  }
  if (absl::StrContains(url, '#')) return Invalid("it has a #");

  const size_t question = url.find('?');
  const absl::string_view before_query = url.substr(0, question);
  const size_t slash = before_query.find('/');
  absl::string_view authority = before_query.substr(0, slash);
  const absl::string_view vhost =
      slash == absl::string_view::npos ? absl::string_view() : before_query.substr(slash + 1);

  if (const size_t at = authority.find('@'); at != absl::string_view::npos) {
    if (absl::StrContains(authority.substr(at + 1), '@')) return Invalid("it has more than one @");
    if (absl::Status status = ParseUserInfo(authority.substr(0, at), &address); !status.ok()) {
      return status;
    }
    authority.remove_prefix(at + 1);
  } else {
    // RabbitMQ's own defaults; it takes them from the loopback interface only.
    address.user = "guest";
    address.password = "guest";
  }
  if (absl::Status status = ParseEndpoints(authority, address.tls ? kTlsPort : kPort, &address);
      !status.ok()) {
    return status;
  }

  if (absl::StrContains(vhost, '/')) {
    return Invalid("a / inside the virtual host must be written %2F");
  }
  absl::StatusOr<std::string> decoded = Decode(vhost, "virtual host");
  if (!decoded.ok()) return decoded.status();
  address.vhost = decoded->empty() ? "/" : *std::move(decoded);

  if (question != absl::string_view::npos) {
    if (absl::Status status = ParseQuery(url.substr(question + 1), &address); !status.ok()) {
      return status;
    }
  }
  return address;
}

std::string BrokerUrl(const std::string& flag) {
  // Each is taken, also where another wins: none may be left for the programs of jobs.
  const auto variable = TakeFromEnvironment("BUZZER_BROKER_URL");
  const auto user = TakeFromEnvironment("BUZZER_BROKER_USERNAME");
  const auto password = TakeFromEnvironment("BUZZER_BROKER_PASSWORD");
  const bool has_login = user || password;
  std::string url = flag;
  if (url.empty()) {
    // RabbitMQ's first user is guest, who may come from its own machine only.
    url = variable.value_or(has_login ? "amqp://127.0.0.1:5672/"
                                      : "amqp://guest:guest@127.0.0.1:5672/");
  }
  const size_t scheme = url.find("://");
  if (!has_login || scheme == std::string::npos) return url;
  const std::string authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  if (absl::StrContains(authority, '@')) return url;
  std::string info = Encode(user.value_or(""));
  if (password) absl::StrAppend(&info, ":", Encode(*password));
  return absl::StrCat(url.substr(0, scheme + 3), info, "@", url.substr(scheme + 3));
}

}  // namespace buzzer::amqp
