// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/arguments.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/duration/duration.h"

namespace buzzer::cli {
namespace {

std::vector<absl::string_view> CommandNames() {
  std::vector<absl::string_view> names;
  for (const CommandSpec& spec : Commands()) names.push_back(spec.name);
  return names;
}

std::string DidYouMean(absl::string_view nearest) {
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

absl::Status UnknownCommand(absl::string_view word) {
  const std::string nearest = Nearest(word, CommandNames());
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown command '", word, "'",
      nearest.empty() ? absl::StrCat("; known are ", absl::StrJoin(CommandNames(), ", "))
                      : DidYouMean(nearest)));
}

absl::Status UnknownOption(const CommandSpec* command, absl::string_view name) {
  std::vector<absl::string_view> names;
  if (command != nullptr) {
    for (const OptionSpec& option : command->options) names.push_back(option.name);
  }
  for (const OptionSpec& option : GlobalOptions()) names.push_back(option.name);
  const std::string nearest = Nearest(name, names);
  return absl::InvalidArgumentError(
      absl::StrCat(command == nullptr ? "buzzer" : command->name, " has no option --", name,
                   DidYouMean(nearest.empty() ? "" : absl::StrCat("--", nearest))));
}

// What follows `queues` is a command of its own, or was meant as a queue's name.
absl::Status NoArgumentOfQueues(absl::string_view word) {
  const std::string nearest = Nearest(absl::StrCat("queues ", word), CommandNames());
  if (!nearest.empty()) return UnknownCommand(absl::StrCat("queues ", word));
  return absl::InvalidArgumentError(
      absl::StrCat("queues lists them all; one is shown by 'buzzer queues get ", word, "'"));
}

bool IsOption(absl::string_view word) { return word.size() > 1 && word[0] == '-'; }

// The command stands before its options, or after global ones only; so it is found before
// any option is read. A value that looks like a word is skipped with its option.
const CommandSpec* FindCommandIn(const std::vector<std::string>& words) {
  std::vector<absl::string_view> plain;
  for (size_t at = 0; at < words.size() && words[at] != "--" && plain.size() < 2; ++at) {
    if (!IsOption(words[at])) {
      plain.push_back(words[at]);
      continue;
    }
    if (absl::StrContains(words[at], '=')) continue;
    const auto name =
        absl::StrReplaceAll(words[at].substr(std::min<size_t>(2, words[at].size())), {{"_", "-"}});
    const auto* command = plain.empty() ? nullptr : FindCommand(plain[0]);
    const OptionSpec* option = FindOption(command, name);
    if (option != nullptr && !option->value.empty()) ++at;
  }
  if (plain.empty()) return nullptr;
  if (plain.size() == 2) {
    if (const auto* command = FindCommand(absl::StrCat(plain[0], " ", plain[1]))) return command;
  }
  return FindCommand(plain[0]);
}

}  // namespace

absl::Status BadOption(absl::string_view option, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", option, ": ", what));
}

const CommandSpec* Arguments::CommandOf(const std::vector<std::string>& words) {
  return FindCommandIn(words);
}

absl::StatusOr<Arguments> Arguments::Parse(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.command_ = FindCommandIn(words);
  std::vector<std::string> plain;
  bool options_ended = false;
  for (size_t at = 0; at < words.size(); ++at) {
    if (options_ended || !IsOption(words[at])) {
      plain.push_back(words[at]);
    } else if (words[at] == "--") {
      options_ended = true;
    } else if (auto taken = arguments.TakeOption(words, &at); !taken.ok()) {
      // An unknown command explains its unknown options.
      if (arguments.command_ == nullptr && !plain.empty()) return UnknownCommand(plain[0]);
      return taken;
    }
  }
  if (auto taken = arguments.TakeWords(plain); !taken.ok()) return taken;
  return arguments;
}

absl::Status Arguments::TakeOption(const std::vector<std::string>& words, size_t* at) {
  const std::string& word = words[*at];
  if (word == "-h") {
    options_["help"].emplace_back();
    return absl::OkStatus();
  }
  if (word[1] != '-') {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown option ", word, "; options are whole words, like --output"));
  }
  const size_t equals = word.find('=');
  const std::string name = absl::StrReplaceAll(
      word.substr(2, equals == std::string::npos ? equals : equals - 2), {{"_", "-"}});
  const OptionSpec* option = FindOption(command_, name);
  if (option == nullptr) return UnknownOption(command_, name);
  std::vector<std::string>& values = options_[name];
  if (!values.empty() && !option->repeatable) return BadOption(name, "given twice");
  if (option->value.empty()) {
    if (equals != std::string::npos) return BadOption(name, "takes no value");
    values.emplace_back();
  } else if (equals != std::string::npos) {
    values.push_back(word.substr(equals + 1));
  } else if (*at + 1 < words.size() && !absl::StartsWith(words[*at + 1], "--")) {
    values.push_back(words[++*at]);
  } else {
    return BadOption(
        name, absl::StrCat("needs a value: --", name, " ", option->value, ", ", option->help));
  }
  return absl::OkStatus();
}

absl::Status Arguments::TakeWords(const std::vector<std::string>& plain) {
  // `buzzer help submit` is `buzzer submit --help`.
  if (!plain.empty() && plain[0] == "help") {
    options_["help"].emplace_back();
    if (plain.size() == 1) return absl::OkStatus();
    command_ = FindCommand(absl::StrJoin(plain.begin() + 1, plain.end(), " "));
    return command_ != nullptr ? absl::OkStatus() : UnknownCommand(plain[1]);
  }
  if (plain.empty()) {
    return help() ? absl::OkStatus()
                  : absl::InvalidArgumentError(absl::StrCat("a command is missing; known are ",
                                                            absl::StrJoin(CommandNames(), ", ")));
  }
  if (command_ == nullptr) return UnknownCommand(plain[0]);
  const size_t words = std::count(command_->name.begin(), command_->name.end(), ' ') + 1;
  // One word that is both, as in quotes, or whose second is taken for an option's value.
  if (plain.size() < words) return UnknownCommand(plain[0]);
  const size_t left = plain.size() - words;
  if (help()) return absl::OkStatus();
  if (command_->argument.empty()) {
    if (left == 0) return absl::OkStatus();
    if (command_->name == "queues") return NoArgumentOfQueues(plain[words]);
    return absl::InvalidArgumentError(
        absl::StrCat(command_->name, " takes no argument, and '", plain[words], "' is one"));
  }
  if (left == 0 || plain[words].empty()) {
    return absl::InvalidArgumentError(absl::StrCat(command_->name, " needs the ",
                                                   command_->argument, ": buzzer ", command_->name,
                                                   " ", command_->argument));
  }
  if (left > 1) {
    return absl::InvalidArgumentError(absl::StrCat(command_->name, " takes one ",
                                                   command_->argument, ", and '", plain[words + 1],
                                                   "' is one too many"));
  }
  argument_ = plain[words];
  return absl::OkStatus();
}

bool Arguments::Has(absl::string_view option) const {
  return options_.find(option) != options_.end();
}

std::string Arguments::Text(absl::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? "" : found->second.back();
}

std::vector<std::string> Arguments::All(absl::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<std::optional<absl::Duration>> Arguments::Duration(absl::string_view option) const {
  if (!Has(option)) return std::nullopt;
  const auto duration = ParseDuration(Text(option));
  if (!duration.has_value()) {
    return BadOption(option,
                     absl::StrCat("'", Text(option), "' is no duration; write ", kDurationRule));
  }
  return duration;
}

absl::StatusOr<std::optional<int64_t>> Arguments::Number(absl::string_view option, int64_t min,
                                                         int64_t max) const {
  if (!Has(option)) return std::nullopt;
  int64_t number = 0;
  if (!absl::SimpleAtoi(Text(option), &number) || number < min || number > max) {
    return BadOption(
        option, absl::StrCat("'", Text(option), "' is no whole number from ", min, " to ", max));
  }
  return number;
}

}  // namespace buzzer::cli
