-- Copyright 2026 The Buzzer Authors
-- SPDX-License-Identifier: Apache-2.0
--
-- For wrk: the same POST again and again; what was answered, as JSON on standard error.
-- wrk counts answers of all threads, but not by their status: each thread counts its own.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  wrk.body = arguments[1]
  accepted = 0
  refused = 0
end

function response(status)
  if status == 202 then
    accepted = accepted + 1
  else
    refused = refused + 1
  end
end

function done(summary, latency)
  local sums = {accepted = 0, refused = 0}
  for _, thread in ipairs(threads) do
    sums.accepted = sums.accepted + thread:get("accepted")
    sums.refused = sums.refused + thread:get("refused")
  end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout
  io.stderr:write(string.format(
    '{"accepted": %d, "refused": %d, "broken": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}\n',
    sums.accepted, sums.refused, broken, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
