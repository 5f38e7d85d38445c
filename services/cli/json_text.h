// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_JSON_TEXT_H_
#define SERVICES_CLI_JSON_TEXT_H_

#include <google/protobuf/message.h>

#include <string>

namespace buzzer::cli {

// A message as one line of JSON without the newline, in the form of the REST API:
// lowerCamelCase, names of enum values, fields with default values printed.
std::string JsonText(const google::protobuf::Message& message);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_JSON_TEXT_H_
