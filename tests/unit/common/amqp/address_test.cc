// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace buzzer::amqp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Address Parsed(absl::string_view url) {
  absl::StatusOr<Address> address = ParseAddress(url);
  EXPECT_TRUE(address.ok()) << address.status();
  return address.value_or(Address{});
}

// Of an address of one host.
std::string HostOf(const Address& address) {
  EXPECT_EQ(address.endpoints.size(), 1u);
  return address.endpoints.at(0).host;
}
int PortOf(const Address& address) {
  EXPECT_EQ(address.endpoints.size(), 1u);
  return address.endpoints.at(0).port;
}

std::vector<std::string> Hosts(const Address& address) {
  std::vector<std::string> hosts;
  for (const Endpoint& endpoint : address.endpoints) hosts.push_back(endpoint.ToString());
  return hosts;
}

std::string Refusal(absl::string_view url) {
  const absl::StatusOr<Address> address = ParseAddress(url);
  EXPECT_FALSE(address.ok()) << url;
  EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(address.status().message());
}

TEST(AddressParser, TakesEveryPart) {
  const Address address = Parsed("amqp://ann:secret@broker.example:1234/jobs");
  EXPECT_EQ(HostOf(address), "broker.example");
  EXPECT_EQ(PortOf(address), 1234);
  EXPECT_EQ(address.user, "ann");
  EXPECT_EQ(address.password, "secret");
  EXPECT_EQ(address.vhost, "jobs");
  EXPECT_FALSE(address.tls);
}

TEST(AddressParser, FillsInWhatIsLeftOut) {
  const Address address = Parsed("amqp://localhost");
  EXPECT_EQ(HostOf(address), "localhost");
  EXPECT_EQ(PortOf(address), 5672);
  EXPECT_EQ(address.user, "guest");
  EXPECT_EQ(address.password, "guest");
  EXPECT_EQ(address.vhost, "/");
}

TEST(AddressParser, TakesASlashWithoutAVirtualHostForTheDefaultOne) {
  EXPECT_EQ(Parsed("amqp://localhost/").vhost, "/");
  EXPECT_EQ(Parsed("amqp://localhost/%2f").vhost, "/");
  EXPECT_EQ(Parsed("amqp://localhost/%2Fjobs").vhost, "/jobs");
}

TEST(AddressParser, KnowsThePortOfTls) {
  EXPECT_EQ(PortOf(Parsed("amqps://broker")), 5671);
  EXPECT_EQ(PortOf(Parsed("amqps://broker:99")), 99);
  EXPECT_TRUE(Parsed("amqps://broker").tls);
}

TEST(AddressParser, TakesACertificateFileWithTls) {
  EXPECT_EQ(Parsed("amqps://broker/jobs?cacertfile=/etc/my%20ca.pem").tls_ca, "/etc/my ca.pem");
  EXPECT_EQ(Parsed("amqps://broker").tls_ca, "");
}

TEST(AddressParser, DecodesPercentSigns) {
  const Address address = Parsed("amqp://a%40b:p%3A%2f%25@h%61st/v%20h");
  EXPECT_EQ(address.user, "a@b");
  EXPECT_EQ(address.password, "p:/%");
  EXPECT_EQ(HostOf(address), "hast");
  EXPECT_EQ(address.vhost, "v h");
}

TEST(AddressParser, KeepsAColonInThePassword) {
  EXPECT_EQ(Parsed("amqp://ann:a:b@broker").password, "a:b");
}

TEST(AddressParser, TakesAnEmptyPassword) { EXPECT_EQ(Parsed("amqp://ann:@broker").password, ""); }

TEST(AddressParser, TakesIpv6InBrackets) {
  const Address address = Parsed("amqp://[::1]:5673/jobs");
  EXPECT_EQ(HostOf(address), "::1");
  EXPECT_EQ(PortOf(address), 5673);
  EXPECT_EQ(PortOf(Parsed("amqp://[fe80::1]")), 5672);
}

TEST(AddressParser, TakesTheHostsOfACluster) {
  const Address address = Parsed("amqp://ann:a,b@one:1,two,[::1]:3,10.0.0.4/jobs");
  EXPECT_THAT(Hosts(address), ElementsAre("one:1", "two:5672", "[::1]:3", "10.0.0.4:5672"));
  EXPECT_EQ(address.user, "ann");
  EXPECT_EQ(address.password, "a,b");
  EXPECT_EQ(address.vhost, "jobs");
  EXPECT_EQ(address.ToString(), "amqp://ann@one:1,two:5672,[::1]:3,10.0.0.4:5672/jobs");
  EXPECT_THAT(Hosts(Parsed("amqps://one,two:9")), ElementsAre("one:5671", "two:9"));
}

TEST(AddressParser, RefusesHostsThatAreNoList) {
  EXPECT_THAT(Refusal("amqp://one,"), HasSubstr("a host is missing"));
  EXPECT_THAT(Refusal("amqp://,one"), HasSubstr("a host is missing"));
  EXPECT_THAT(Refusal("amqp://one,,two"), HasSubstr("a host is missing"));
  EXPECT_THAT(Refusal("amqp://one:1,two:x"), HasSubstr("a port must be a number"));
  EXPECT_THAT(Refusal("amqp://a:b@one,a:b@two"), HasSubstr("more than one @"));
  EXPECT_THAT(Refusal("amqp://a:b@one/,amqp://a:b@two/"), HasSubstr("stand in one address"));
  std::string many = "amqp://h";
  for (size_t i = 1; i < kMaxEndpoints; ++i) many += ",h";
  EXPECT_EQ(Parsed(many).endpoints.size(), kMaxEndpoints);
  EXPECT_THAT(Refusal(many + ",h"), HasSubstr("more than 32 hosts"));
}

TEST(AddressParser, RefusesOtherSchemes) {
  EXPECT_THAT(Refusal(""), HasSubstr("amqp://"));
  EXPECT_THAT(Refusal("http://broker"), HasSubstr("must begin with amqp://"));
  EXPECT_THAT(Refusal("broker:5672"), HasSubstr("must begin with amqp://"));
  EXPECT_THAT(Refusal("AMQP//broker"), HasSubstr("must begin with amqp://"));
}

TEST(AddressParser, RefusesAMissingHost) {
  EXPECT_THAT(Refusal("amqp://"), HasSubstr("host is missing"));
  EXPECT_THAT(Refusal("amqp:///jobs"), HasSubstr("host is missing"));
  EXPECT_THAT(Refusal("amqp://ann:secret@"), HasSubstr("host is missing"));
  EXPECT_THAT(Refusal("amqp://:5672"), HasSubstr("host is missing"));
  EXPECT_THAT(Refusal("amqp://[]"), HasSubstr("host is missing"));
}

TEST(AddressParser, RefusesBadPorts) {
  for (const char* url :
       {"amqp://h:", "amqp://h:0", "amqp://h:65536", "amqp://h:-1", "amqp://h:+5", "amqp://h: 5",
        "amqp://h:5x", "amqp://h:99999999999999999999", "amqp://[::1]:", "amqp://[::1]:x"}) {
    EXPECT_THAT(Refusal(url), HasSubstr("port must be a number from 1 to 65535")) << url;
  }
}

TEST(AddressParser, RefusesBadBrackets) {
  EXPECT_THAT(Refusal("amqp://[::1"), HasSubstr("["));
  EXPECT_THAT(Refusal("amqp://[::1]5672"), HasSubstr("]"));
  EXPECT_THAT(Refusal("amqp://::1"), HasSubstr("IPv6"));
}

TEST(AddressParser, RefusesBadPercentSigns) {
  for (const char* url : {"amqp://a%:b@h", "amqp://a:%4@h", "amqp://a:b%zz@h", "amqp://h%",
                          "amqp://h/%", "amqp://h/%2", "amqp://h/%g0"}) {
    EXPECT_THAT(Refusal(url), HasSubstr("two hexadecimal digits")) << url;
  }
}

TEST(AddressParser, RefusesControlCharacters) {
  EXPECT_THAT(Refusal("amqp://a:b%00@h"), HasSubstr("control character"));
  EXPECT_THAT(Refusal("amqp://h/%0a"), HasSubstr("control character"));
  EXPECT_THAT(Refusal(absl::string_view("amqp://h\0x", 10)), HasSubstr("control character"));
}

TEST(AddressParser, RefusesAUserWithoutAPassword) {
  EXPECT_THAT(Refusal("amqp://ann@broker"), HasSubstr("no password"));
  EXPECT_THAT(Refusal("amqp://:secret@broker"), HasSubstr("user is empty"));
}

TEST(AddressParser, RefusesUnescapedReservedCharacters) {
  EXPECT_THAT(Refusal("amqp://a:b@c@h"), HasSubstr("more than one @"));
  EXPECT_THAT(Refusal("amqp://h/a/b"), HasSubstr("%2F"));
  EXPECT_THAT(Refusal("amqp://h/a#b"), HasSubstr("#"));
}

TEST(AddressParser, RefusesUnknownParameters) {
  EXPECT_THAT(Refusal("amqps://h?verify=none"), HasSubstr("cacertfile"));
  EXPECT_THAT(Refusal("amqps://h?"), HasSubstr("cacertfile"));
  EXPECT_THAT(Refusal("amqps://h?cacertfile="), HasSubstr("empty"));
  EXPECT_THAT(Refusal("amqp://h?cacertfile=/ca.pem"), HasSubstr("amqps only"));
}

TEST(AddressParser, NeverRepeatsThePassword) {
  for (const char* url :
       {"amqp://ann:sesame@", "amqp://ann:sesame@h:x", "amqp://ann:sesame/@h",
        "amqp://ann:sesame?@h", "amqp://ann:sesame#@h", "amqp://ann:sesame%@h", "amqp://sesame@h",
        "ann:sesame@h", "amqp://ann:se@sesame@h", "amqp://ann:x@h/sesame/"}) {
    EXPECT_THAT(Refusal(url), Not(HasSubstr("sesame"))) << url;
  }
}

TEST(Address, IsPrintedWithoutItsPassword) {
  EXPECT_EQ(Parsed("amqp://ann:secret@h:1/").ToString(), "amqp://ann@h:1/%2F");
  EXPECT_EQ(Parsed("amqps://a%40b:secret@[::1]/my-jobs").ToString(),
            "amqps://a%40b@[::1]:5671/my-jobs");
}

TEST(Address, IsPrintedSoThatItCanBeRead) {
  EXPECT_EQ(Parsed("amqp://h%FF%20%2F/").ToString(), "amqp://guest@h%FF%20%2F:5672/%2F");
  EXPECT_EQ(Parsed("amqp://[fe80::1%25eth0]/").ToString(),
            "amqp://guest@[fe80::1%25eth0]:5672/%2F");
}

// Sets variables of the environment as long as it lives.
class Environment {
 public:
  using Variable = std::pair<std::string, std::string>;

  explicit Environment(const std::vector<Variable>& variables) : variables_(variables) {
    for (const auto& [name, value] : variables_) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) unsetenv(name.c_str());
  }

 private:
  const std::vector<Variable> variables_;
};

TEST(BrokerUrl, IsTheFlagThenTheEnvironmentThenThisMachine) {
  EXPECT_EQ(BrokerUrl(""), "amqp://guest:guest@127.0.0.1:5672/");
  const std::vector<Environment::Variable> variables = {{"BUZZER_BROKER_URL", "amqp://a:b@env"}};
  {
    const Environment environment(variables);
    EXPECT_EQ(BrokerUrl(""), "amqp://a:b@env");
  }
  const Environment environment(variables);
  EXPECT_EQ(BrokerUrl("amqp://a:b@flag"), "amqp://a:b@flag");
}

TEST(BrokerUrl, LeavesNoSecretInTheEnvironment) {
  const char* const names[] = {"BUZZER_BROKER_URL", "BUZZER_BROKER_USERNAME",
                               "BUZZER_BROKER_PASSWORD"};
  for (const char* flag : {"", "amqp://h", "amqp://a:b@h"}) {
    const Environment environment({{names[0], "amqp://env"}, {names[1], "ann"}, {names[2], "p"}});
    BrokerUrl(flag);
    for (const char* name : names) EXPECT_EQ(getenv(name), nullptr) << name;
  }
}

TEST(BrokerUrl, TakesAUserAndAPasswordOfAnyCharacters) {
  const Environment environment({{"BUZZER_BROKER_URL", "amqps://broker/jobs"},
                                 {"BUZZER_BROKER_USERNAME", "ann@home"},
                                 {"BUZZER_BROKER_PASSWORD", "p@ss:/w?rd#%"}});
  const Address address = Parsed(BrokerUrl(""));
  EXPECT_EQ(address.user, "ann@home");
  EXPECT_EQ(address.password, "p@ss:/w?rd#%");
  EXPECT_EQ(HostOf(address), "broker");
  EXPECT_EQ(address.vhost, "jobs");
}

TEST(BrokerUrl, LogsInAtThisMachineToo) {
  for (const auto& [flag, url] : {std::pair{"", "amqp://ann:secret@127.0.0.1:5672/"},
                                  std::pair{"amqp://h/a@b", "amqp://ann:secret@h/a@b"}}) {
    const Environment environment(
        {{"BUZZER_BROKER_USERNAME", "ann"}, {"BUZZER_BROKER_PASSWORD", "secret"}});
    EXPECT_EQ(BrokerUrl(flag), url);
  }
}

TEST(BrokerUrl, KeepsTheUserThatAnAddressNames) {
  const Environment environment(
      {{"BUZZER_BROKER_USERNAME", "ann"}, {"BUZZER_BROKER_PASSWORD", "secret"}});
  EXPECT_EQ(BrokerUrl("amqp://bob:b@h"), "amqp://bob:b@h");
}

TEST(BrokerUrl, LeavesHalfALoginToBeRefused) {
  {
    const Environment environment({Environment::Variable("BUZZER_BROKER_USERNAME", "ann")});
    EXPECT_THAT(Refusal(BrokerUrl("amqp://h")), HasSubstr("no password"));
  }
  const Environment environment({Environment::Variable("BUZZER_BROKER_PASSWORD", "secret")});
  EXPECT_THAT(Refusal(BrokerUrl("amqp://h")), HasSubstr("user is empty"));
}

TEST(BrokerUrl, RefusesASecretThatEndsWithANewline) {
  const Environment environment(
      {{"BUZZER_BROKER_USERNAME", "ann"}, {"BUZZER_BROKER_PASSWORD", "secret\n"}});
  EXPECT_THAT(Refusal(BrokerUrl("amqp://h")), HasSubstr("control character"));
}

}  // namespace
}  // namespace buzzer::amqp
