// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/address.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace buzzer::cli {
namespace {

absl::Status Bad(absl::string_view address, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", address, "' ", what, "; write HOST or HOST:PORT, like localhost:50051"));
}

// Those that gRPC resolves itself, whatever follows.
bool IsGrpcName(absl::string_view address) {
  for (const absl::string_view scheme : {"unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:"}) {
    if (absl::StartsWith(address, scheme)) return true;
  }
  return false;
}

bool IsHostName(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
}

// Of version 6, with a zone or without.
bool IsLongNumber(absl::string_view host) {
  return absl::StrContains(host, ':') && std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == ':' || c == '.' || c == '%';
         });
}

bool IsDigits(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsPort(absl::string_view port) {
  int number = 0;
  // SimpleAtoi would take a sign and blanks, too.
  return IsDigits(port) && absl::SimpleAtoi(port, &number) && number >= 1 && number <= 65535;
}

}  // namespace

absl::StatusOr<std::string> TargetOf(absl::string_view address, bool tls) {
  address = absl::StripAsciiWhitespace(address);
  if (address.empty()) return Bad(address, "is empty");
  if (IsGrpcName(address)) return std::string(address);

  absl::string_view rest = address;
  absl::string_view default_port = "50051";
  if (const size_t scheme_end = address.find("://"); scheme_end != address.npos) {
    const std::string scheme = absl::AsciiStrToLower(address.substr(0, scheme_end));
    rest.remove_prefix(scheme_end + 3);
    if (scheme == "http" || scheme == "https") {
      default_port = scheme == "http" ? "80" : "443";
    } else if (scheme != "grpc") {
      return absl::InvalidArgumentError(absl::StrCat(
          "the scheme ", scheme, ":// is unknown; write HOST:PORT, like localhost:50051"));
    }
    if (scheme == "https" && !tls) {
      return absl::InvalidArgumentError(
          "https needs certificates: --tls-certificate, --tls-key and --tls-ca");
    }
  }
  if (absl::StrContains(rest, '@')) {
    return absl::InvalidArgumentError(
        "there is no user or password in it; write HOST:PORT, like localhost:50051");
  }
  absl::ConsumeSuffix(&rest, "/");
  if (rest.find_first_of("/?#") != rest.npos) return Bad(address, "has a path");

  absl::string_view host = rest;
  absl::string_view port = default_port;
  const size_t colon = rest.rfind(':');
  if (absl::StartsWith(rest, "[")) {
    const size_t bracket = rest.find(']');
    if (bracket == rest.npos) return Bad(address, "has a [ without its ]");
    host = rest.substr(1, bracket - 1);
    rest.remove_prefix(bracket + 1);
    if (absl::ConsumePrefix(&rest, ":")) {
      port = rest;
    } else if (!rest.empty()) {
      return Bad(address, "is no address");
    }
    if (!IsLongNumber(host)) return Bad(address, "has no IPv6 address between [ and ]");
  } else if (colon != rest.npos && rest.find(':') == colon) {
    host = colon == 0 ? "localhost" : rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  if (!IsPort(port)) return Bad(address, "has a port that is no number from 1 to 65535");
  if (IsLongNumber(host)) return absl::StrCat("[", host, "]:", port);
  if (!IsHostName(host)) return Bad(address, "is no address");
  if (IsDigits(host)) return Bad(address, "has no host");
  return absl::StrCat(host, ":", port);
}

}  // namespace buzzer::cli
