// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SUPPORT_MESSAGE_MUTATOR_H_
#define TESTS_FUZZ_SUPPORT_MESSAGE_MUTATOR_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>

namespace buzzer::fuzz {

// Inputs that are messages: libFuzzer's own changes of their bytes would hardly ever make
// another message. Debian 12 has no libprotobuf-mutator, so this is the little of it that is
// needed: it adds, removes, copies and changes fields by reflection.

// Reads an input: text format if it begins with '#' (corpora made by hand), else the wire
// format. False if it is neither, as for bytes that gRPC would refuse before our code.
bool ReadMessage(const uint8_t* data, size_t size, google::protobuf::Message* message);

// For LLVMFuzzerCustomMutator: changes the input in place; returns its new size.
size_t MutateMessage(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                     google::protobuf::Message* message);

// For LLVMFuzzerCustomCrossOver: puts a part of `other` into `message`.
size_t CrossMessages(const uint8_t* data, size_t size, const uint8_t* other_data, size_t other_size,
                     uint8_t* out, size_t max_size, unsigned seed,
                     google::protobuf::Message* message, google::protobuf::Message* other);

}  // namespace buzzer::fuzz

// Defines a target whose input is a message: `void Run(Type& message)`, defined before, is
// called with each.
#define BUZZER_FUZZ_MESSAGE(Type, Run)                                                            \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {                       \
    Type message;                                                                                 \
    if (!::buzzer::fuzz::ReadMessage(data, size, &message)) return -1;                            \
    Run(message);                                                                                 \
    return 0;                                                                                     \
  }                                                                                               \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,          \
                                            unsigned seed) {                                      \
    Type message;                                                                                 \
    return ::buzzer::fuzz::MutateMessage(data, size, max_size, seed, &message);                   \
  }                                                                                               \
  extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size,                   \
                                              const uint8_t* other_data, size_t other_size,       \
                                              uint8_t* out, size_t max_size, unsigned seed) {     \
    Type message, other;                                                                          \
    return ::buzzer::fuzz::CrossMessages(data, size, other_data, other_size, out, max_size, seed, \
                                         &message, &other);                                       \
  }

#endif  // TESTS_FUZZ_SUPPORT_MESSAGE_MUTATOR_H_
