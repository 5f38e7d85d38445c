// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/support/message_mutator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/utf8/utf8.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace buzzer::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Messages may hold themselves (Value); deeper ones are neither made nor looked into.
constexpr int kMaxDepth = 40;
constexpr size_t kMaxTextBytes = 300;

// What limits are likely to be near to: of counts, seconds, nanoseconds and milliseconds.
constexpr int64_t kIntegers[] = {0,
                                 1,
                                 -1,
                                 2,
                                 5,
                                 100,
                                 101,
                                 1000,
                                 1001,
                                 10'000,
                                 65'536,
                                 86'400,
                                 999'999'999,
                                 1'000'000'000,
                                 -999'999'999,
                                 1'772'366'400,
                                 253'402'300'799,
                                 253'402'300'800,
                                 -62'135'596'800,
                                 -62'135'596'801,
                                 315'576'000'000,
                                 315'576'000'001,
                                 9'223'372'036,
                                 9'223'372'037,
                                 int64_t{1} << 48,
                                 std::numeric_limits<int32_t>::max(),
                                 std::numeric_limits<int32_t>::min(),
                                 std::numeric_limits<int64_t>::max(),
                                 std::numeric_limits<int64_t>::min()};

const double kDoubles[] = {0.0,
                           -0.0,
                           0.5,
                           1.0,
                           1.5,
                           -1.0,
                           1e15,
                           1e20,
                           1e21,
                           9.007199254740993e15,
                           1.8446744073709552e19,
                           9.2233720368547758e18,
                           5e-324,
                           std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::infinity(),
                           std::nan("")};

const char* const kTexts[] = {"",
                              "a",
                              "demo.echo",
                              "default",
                              "A",
                              "a\nb",
                              "\xEF\xBF\xBD",
                              "\xF0\x9F\x98\x80",
                              "\x7f",
                              "\xE2\x80\xA8",
                              "application/json",
                              "text/plain; a=\"b\"",
                              "{\"a\":1}",
                              "-",
                              ".",
                              "../.."};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  void Mutate(Message* message) {
    std::vector<Message*> nodes;
    Gather(message, 0, &nodes);
    Message* const node = nodes[Below(nodes.size())];
    const int count = node->GetDescriptor()->field_count();
    if (count == 0) return;
    const FieldDescriptor* field =
        node->GetDescriptor()->field(static_cast<int>(Below(static_cast<size_t>(count))));
    if (field->is_repeated()) {
      ChangeRepeated(node, field);
    } else {
      ChangeSingular(node, field);
    }
  }

  // Copies a part of `from` over a part of the same kind, or adds it to a list.
  void Cross(Message* message, Message* from) {
    std::vector<Message*> nodes;
    std::vector<Message*> others;
    Gather(message, 0, &nodes);
    Gather(from, 0, &others);
    for (int tries = 0; tries < 8; ++tries) {
      Message* const node = nodes[Below(nodes.size())];
      const Message* const other = others[Below(others.size())];
      if (node->GetDescriptor() == other->GetDescriptor()) {
        if (node == message) {
          node->MergeFrom(*other);
        } else {
          node->CopyFrom(*other);
        }
        return;
      }
    }
  }

  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

 private:
  static void Gather(Message* message, int depth, std::vector<Message*>* nodes) {
    nodes->push_back(message);
    if (depth == kMaxDepth) return;
    const Reflection* reflection = message->GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(*message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        Gather(reflection->MutableMessage(message, field), depth + 1, nodes);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        Gather(reflection->MutableRepeatedMessage(message, field, i), depth + 1, nodes);
      }
    }
  }

  int64_t Integer(int64_t before) {
    switch (Below(5)) {
      case 0:
        return static_cast<int64_t>(static_cast<uint64_t>(before) + 1);
      case 1:
        return static_cast<int64_t>(static_cast<uint64_t>(before) - 1);
      case 2:
        return static_cast<int64_t>(random_());
      case 3:
        return static_cast<int64_t>(Below(8));
      default:
        return kIntegers[Below(std::size(kIntegers))];
    }
  }

  double Double(double before) {
    switch (Below(3)) {
      case 0:
        return -before;
      case 1: {
        const uint64_t bits = random_();
        double number = 0;
        std::memcpy(&number, &bits, sizeof(number));
        return number;
      }
      default:
        return kDoubles[Below(std::size(kDoubles))];
    }
  }

  std::string Bytes(std::string before) {
    switch (Below(8)) {
      case 0:
        return std::string(1, static_cast<char>(Below(4)));  // Stands for an id in some targets.
      case 1:
        return std::string(Below(2) == 0 ? 16 : Below(40), static_cast<char>(random_()));
      case 2:
        return before + before;
      case 3:
        return kTexts[Below(std::size(kTexts))];
      default: {
        const size_t size = std::min(before.size(), kMaxTextBytes);
        before.resize(kMaxTextBytes + 4);
        auto* const data = reinterpret_cast<uint8_t*>(before.data());
        before.resize(LLVMFuzzerMutate(data, size, before.size()));
        return before;
      }
    }
  }

  std::string Text(const std::string& before) {
    if (Below(4) == 0) return kTexts[Below(std::size(kTexts))];
    // gRPC refuses strings that are not UTF-8.
    return ToValidUtf8(Bytes(before));
  }

  void ChangeSingular(Message* message, const FieldDescriptor* field) {
    const Reflection* reflection = message->GetReflection();
    if (Below(8) == 0) {
      reflection->ClearField(message, field);
      return;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(message, field,
                             static_cast<int32_t>(Integer(reflection->GetInt32(*message, field))));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(message, field, Integer(reflection->GetInt64(*message, field)));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(
            message, field, static_cast<uint32_t>(Integer(reflection->GetUInt32(*message, field))));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(message, field,
                              static_cast<uint64_t>(Integer(
                                  static_cast<int64_t>(reflection->GetUInt64(*message, field)))));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(message, field, Double(reflection->GetDouble(*message, field)));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        reflection->SetFloat(message, field,
                             static_cast<float>(Double(reflection->GetFloat(*message, field))));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, !reflection->GetBool(*message, field));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        // One that is not known, too.
        reflection->SetEnumValue(
            message, field,
            static_cast<int>(Below(static_cast<size_t>(field->enum_type()->value_count()) + 2)));
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string before = reflection->GetString(*message, field);
        reflection->SetString(
            message, field,
            field->type() == FieldDescriptor::TYPE_BYTES ? Bytes(before) : Text(before));
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        // Sets it if it is not; what is in it changes when it is chosen itself.
        Fill(reflection->MutableMessage(message, field));
        break;
    }
  }

  void ChangeRepeated(Message* message, const FieldDescriptor* field) {
    const Reflection* reflection = message->GetReflection();
    const int size = reflection->FieldSize(*message, field);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      AddScalar(message, field);
      return;
    }
    const size_t choice = size == 0 ? 0 : Below(5);
    if (choice == 0) {
      Fill(reflection->AddMessage(message, field));
    } else if (choice == 1) {
      reflection->RemoveLast(message, field);
    } else if (choice == 2) {
      reflection->SwapElements(message, field, static_cast<int>(Below(static_cast<size_t>(size))),
                               size - 1);
    } else {
      // Repeats one; now and then many times.
      const int from = static_cast<int>(Below(static_cast<size_t>(size)));
      const size_t times = Below(16) == 0 ? Below(40) : 1;
      for (size_t i = 0; i < times; ++i) {
        Message* const added = reflection->AddMessage(message, field);
        added->CopyFrom(reflection->GetRepeatedMessage(*message, field, from));
      }
    }
  }

  void AddScalar(Message* message, const FieldDescriptor* field) {
    const Reflection* reflection = message->GetReflection();
    if (reflection->FieldSize(*message, field) > 0 && Below(3) == 0) {
      reflection->RemoveLast(message, field);
      return;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->AddInt32(message, field, static_cast<int32_t>(Integer(0)));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->AddInt64(message, field, Integer(0));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->AddString(message, field,
                              field->type() == FieldDescriptor::TYPE_BYTES ? Bytes("") : Text(""));
        break;
      default:
        break;  // None of our messages has another.
    }
  }

  // Gives a new message some of its fields.
  void Fill(Message* message) {
    const auto* descriptor = message->GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      const bool is_leaf = field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
      if (is_leaf && !field->is_repeated() && Below(2) == 0) ChangeSingular(message, field);
    }
  }

  std::mt19937_64 random_;
};

size_t WriteMessage(const Message& message, uint8_t* out, size_t max_size) {
  const size_t size = message.ByteSizeLong();
  if (size > max_size) return 0;
  message.SerializePartialToArray(out, static_cast<int>(max_size));
  return size;
}

}  // namespace

bool ReadMessage(const uint8_t* data, size_t size, Message* message) {
  if (size > 0 && data[0] == '#') {
    return google::protobuf::TextFormat::ParseFromString(
        std::string(reinterpret_cast<const char*>(data), size), message);
  }
  return message->ParseFromArray(data, static_cast<int>(size));
}

size_t MutateMessage(uint8_t* data, size_t size, size_t max_size, unsigned seed, Message* message) {
  if (!ReadMessage(data, size, message)) message->Clear();
  Mutator mutator(seed);
  for (int tries = 0; tries < 4; ++tries) {
    const size_t changes = 1 + mutator.Below(3);
    for (size_t i = 0; i < changes; ++i) mutator.Mutate(message);
    if (const size_t written = WriteMessage(*message, data, max_size); written > 0) return written;
    // Too large, or empty: the next change may mend that.
    if (message->ByteSizeLong() > max_size) message->Clear();
  }
  return 0;
}

size_t CrossMessages(const uint8_t* data, size_t size, const uint8_t* other_data, size_t other_size,
                     uint8_t* out, size_t max_size, unsigned seed, Message* message,
                     Message* other) {
  if (!ReadMessage(data, size, message) || !ReadMessage(other_data, other_size, other)) return 0;
  Mutator(seed).Cross(message, other);
  return WriteMessage(*message, out, max_size);
}

}  // namespace buzzer::fuzz
