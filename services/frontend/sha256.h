// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SHA256_H_
#define SERVICES_FRONTEND_SHA256_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// SHA-256 over what is added piece by piece. Not thread-safe.
class Sha256 {
 public:
  Sha256();

  void Update(absl::string_view bytes);

  // 32 bytes. Call once, last.
  std::string Finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SHA256_H_
