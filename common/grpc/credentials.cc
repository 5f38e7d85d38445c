// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/credentials.h"

#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace buzzer {
namespace {

struct Pems {
  std::string certificate;
  std::string key;
  std::string ca;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file || content.str().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the PEM file ", path));
  }
  return content.str();
}

// nullopt: plaintext.
absl::StatusOr<std::optional<Pems>> ReadPems(const TlsFiles& files) {
  const int named = !files.certificate.empty() + !files.key.empty() + !files.ca.empty();
  if (named == 0) return std::nullopt;
  if (named != 3) {
    return absl::InvalidArgumentError(
        "mutual TLS needs all of --tls_certificate, --tls_key and --tls_ca");
  }
  Pems pems;
  for (const auto& [path, pem] :
       {std::pair{&files.certificate, &pems.certificate}, std::pair{&files.key, &pems.key},
        std::pair{&files.ca, &pems.ca}}) {
    auto content = ReadFile(*path);
    if (!content.ok()) return content.status();
    *pem = *std::move(content);
  }
  return pems;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files) {
  auto pems = ReadPems(files);
  if (!pems.ok()) return pems.status();
  if (!pems->has_value()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = (*pems)->ca;
  options.pem_key_cert_pairs.push_back({(*pems)->key, (*pems)->certificate});
  return grpc::SslServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsFiles& files) {
  auto pems = ReadPems(files);
  if (!pems.ok()) return pems.status();
  if (!pems->has_value()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = (*pems)->ca;
  options.pem_private_key = (*pems)->key;
  options.pem_cert_chain = (*pems)->certificate;
  return grpc::SslCredentials(options);
}

}  // namespace buzzer
