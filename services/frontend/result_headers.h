// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RESULT_HEADERS_H_
#define SERVICES_FRONTEND_RESULT_HEADERS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// The content type to send for a result: the handler's own, or `application/octet-stream` if that
// is none. State stores no other; an earlier version did, and one could break a header.
std::string SafeContentType(absl::string_view content_type);

// Whether a browser may show it: JSON, plain text, and images but SVG, which can hold
// scripts. The rest is for download.
bool IsShownInline(absl::string_view content_type);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RESULT_HEADERS_H_
