-- Made by tools/chart-files from services/gateway/rest.lua.
-- Copyright 2026 The Buzzer Authors
-- SPDX-License-Identifier: Apache-2.0
--
-- What the transcoder leaves undone for REST calls. Native gRPC and gRPC-Web pass
-- untouched. Tried with Envoy 1.40; tests/integration/gateway_test.py pins each.

-- The calls that take fields from their body: these, by their JSON names (the test
-- compares them with the protos; the transcoder drops others without a word), and how
-- many containers a payload already stands in.
local body_of = {
  ["/v1/jobs"] = {payload_at = 1, fields = [[type, queue, priority, payload, payloadBytes,
    payloadContentType, labels, idempotencyKey, runAt, delay, deadline, attemptTimeout,
    maxAttempts, lease, retention, retry]]},
  ["/v1/jobs:batchSubmit"] = {payload_at = 3, fields = "requests"},
  ["/v1/jobs/*:cancel"] = {payload_at = 0, fields = "force"},
  ["/v1/idempotencyKeys:release"] = {payload_at = 0, fields = "idempotencyKey"},
}
-- The fields of a submit's `retry`.
local retry = {payload_at = 0, fields = "initialDelay, factor, maxDelay, jitter, finalReasons"}
local no_body = {payload_at = 0, fields = ""}
local function known_in(path)
  if body_of[path] then return body_of[path] end
  local call = path:match("^([^?]-)/?$") or path:match("^([^?]-)/?%?") or ""
  return body_of[(call:gsub("^/v1/jobs/[^/]*:", "/v1/jobs/*:"))] or no_body
end
local bodies = {no_body, retry}
for _, body in pairs(body_of) do bodies[#bodies + 1] = body end
for _, body in ipairs(bodies) do
  body.fields = body.fields:gsub("%s+", " ")
  body.is_field = {}
  -- By both of its names, and by no mixture, which the transcoder would drop.
  for name in body.fields:gmatch("%a+") do
    body.is_field[name] = true
    body.is_field[name:gsub("%u", function(letter) return "_" .. letter:lower() end)] = true
  end
  -- At which depth which keys are known.
  body.at = {body}
end
-- A batch's requests are objects in an array in the body.
body_of["/v1/jobs:batchSubmit"].at[3] = body_of["/v1/jobs"]

-- Envoy's JSON parser takes 100 levels. A gRPC server's takes 100 messages, and a JSON
-- object is three of them, so 32 nested objects are the most that both pass.
local max_payload_depth = 32

-- The transcoder makes a tree of what it reads, and takes 0.3 us of its thread, in which
-- others wait, for each value. So a mebibyte may have numbers of three digits, but not one
-- `{}` after the other.
local max_values = 262144
-- What is no JSON is not to be looked at for longer than that: texts without commas between
-- them are no values by the count above, and each costs a turn of fault_of's loop.
local max_turns = 2 * max_values

-- allowed[HTTP status][x-http-code]: the transcoder has one HTTP status for each
-- gRPC code, the frontend says in x-http-code which finer one it means, and only
-- these pairs are taken.
local allowed = {
  ["200"] = {["202"] = true, ["204"] = true},
  ["400"] = {["409"] = true, ["413"] = true},  -- FAILED_PRECONDITION; TOO_LARGE
  ["409"] = {["422"] = true},                  -- ALREADY_EXISTS
}

-- A browser's EventSource closes for ever on any status but 200, so what passes by itself
-- is told it as a stream that ends: then it comes back.
local passing = {["429"] = true, ["502"] = true, ["503"] = true, ["504"] = true}
local come_back = ": no answer just now; come back\nretry: 2000\n\n"

-- gRPC refuses a message that it cannot parse before any code of ours, with
-- UNIMPLEMENTED and no text, which would make a 501.
local not_parsed = '{"code":3,"message":"the request is not valid: a text in it is not '
  .. 'UTF-8, or it is nested too deep","details":[{"@type":'
  .. '"type.googleapis.com/google.rpc.ErrorInfo","reason":"INVALID_REQUEST",'
  .. '"domain":"buzzer.dev"}]}'

-- Just what Envoy takes for gRPC or gRPC-Web: the transcoder takes the rest.
local grpc_web = {["-web"] = true, ["-web+proto"] = true, ["-web-text"] = true,
                  ["-web-text+proto"] = true}
local function is_grpc(headers)
  local kind = (headers:get("content-type") or ""):match("^application/grpc(.*)")
  return kind and (kind == "" or kind:find("^%+") or grpc_web[kind])
end

-- The well-formed sequences of more than one byte (Unicode, table 3-7).
local utf8_sequences = {
  "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]",
  "[\225-\236\238\239][\128-\191][\128-\191]", "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]", "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

local function is_utf8(text)
  for _, sequence in ipairs(utf8_sequences) do
    text = text:gsub(sequence, "?")
  end
  return not text:find("[\128-\255]")
end

local function unescape(path)
  return (path:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- The position after the string that begins at `at`, or nil if it does not end.
local function skip_string(text, at)
  at = at + 1
  while true do
    at = text:find('["\\]', at)
    if not at then return nil end
    if text:byte(at) == 34 then return at + 1 end
    at = at + 2
  end
end

local too_many = "payload: more than " .. max_values .. " values (empty lists and objects count "
  .. "twice), or " .. max_turns .. " texts, keys, brackets and commas, in one request; "
  .. "payload_bytes takes them as they are"
local not_strict = "in JSON, keys and strings stand in double quotes, and no comma is last"

-- Says what is wrong with a body that the transcoder would take, or nil. It looks at
-- the keys of requests, the depth and the count; the rest is the transcoder's to judge.
local function fault_of(text, known)
  local depth, at, expects_key, values, turns = 0, 1, false, 1, 0
  -- The newest key of a request, and at which depth its `retry` stands.
  local key, retry_at
  while true do
    at = text:find("[\"'{}%[%],]", at)
    if not at then return nil end
    local c = text:sub(at, at)
    local after = at + 1
    if c == '"' then
      after = skip_string(text, at)
      if not after then return nil end
      if expects_key then
        local name = text:sub(at + 1, after - 2)
        local here = known.at[depth] or retry
        if not here.is_field[name] then
          return 'unknown field "' .. name:sub(1, 64) .. '"; ' .. (known == no_body
            and "this call takes no body" or "known are " .. here.fields)
        end
        if known.at[depth] then key = name end
        expects_key = false
      end
    elseif c == "'" then
      return not_strict
    elseif c == "," then
      values = values + 1
    elseif c == "{" or c == "[" then
      values = values + 1
      depth = depth + 1
      if depth > known.payload_at + max_payload_depth then
        return "payload: nested deeper than " .. max_payload_depth .. " levels"
      end
      if c == "{" and key == "retry" and known.at[depth - 1] then retry_at = depth end
    else
      if depth == retry_at then retry_at = nil end
      depth = depth - 1
      expects_key = false
      if depth < 0 then return "in the JSON, a " .. c .. " closes nothing" end
    end
    turns = turns + 1
    if values > max_values or turns > max_turns then return too_many end
    if (known.at[depth] or depth == retry_at) and (c == "{" or c == ",") then
      expects_key = true
      if not text:find(c == "{" and '^%s*["}]' or '^%s*"', after) then return not_strict end
    end
    at = after
  end
end

-- The methods of bindings with a body and of those without; there are no others.
local takes_body = {POST = true, GET = false, DELETE = false}

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path") or ""  -- CONNECT has none.
  -- Some parts of a system would take it for a slash, and others not.
  local resource = path:match("^[^?]*"):lower()
  if resource:find("%2f", 1, true) or resource:find("%5c", 1, true) then
    handle:respond({[":status"] = "400"}, "the path must not have an escaped slash in it")
  end
  if is_grpc(headers) then return end
  if path:find("%%[89A-Fa-f]") and not is_utf8(unescape(path)) then
    handle:respond({[":status"] = "400"}, "the path or the query is not UTF-8")
  end
  if headers:getNumValues("idempotency-key") > 1 then
    handle:respond({[":status"] = "400"}, "Idempotency-Key: one such header, not several")
  end
  -- encodeURIComponent makes %3A of the colon before a call's name.
  local spelled = path:gsub("^([^?]*)%%3[Aa](%a+)%f[?%z]", "%1:%2")
  if spelled ~= path then
    path = spelled
    headers:replace(":path", path)
  end
  if headers:get("accept") == "text/event-stream" and path:find("^[^?]*:watch%f[?%z]") then
    handle:streamInfo():dynamicMetadata():set("buzzer", "event_source", true)
  end
  local method = headers:get(":method")
  if takes_body[method] == nil or not path:find("^/v1/") then return end
  local body = handle:body()
  if not body then return end
  local text, fault = body:getBytes(0, body:length()), nil
  if takes_body[method] then
    fault = fault_of(text, known_in(path))
  elseif text:find("%S") and not text:find("^%s*{%s*}%s*$") then
    -- The transcoder would take a GET's fields from it, and drop a DELETE's.
    fault = "this call takes no body: its fields stand in the path"
      .. (method == "GET" and " and the query" or "")
  end
  if fault then
    handle:respond({[":status"] = "400"}, fault)
  end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  if is_grpc(headers) then return end
  local status = headers:get(":status")
  local code = headers:get("x-http-code")
  headers:remove("x-http-code")
  headers:remove("grpc-status")
  headers:remove("grpc-message")
  headers:remove("grpc-accept-encoding")

  if passing[status] and (handle:streamInfo():dynamicMetadata():get("buzzer") or {}).event_source then
    local body = handle:body(true)
    headers = handle:headers()  -- the old object ended with the wait for the body
    headers:replace(":status", "200")
    headers:replace("content-type", "text/event-stream")
    headers:remove("retry-after")
    headers:replace("content-length", tostring(body:setBytes(come_back)))
    return
  end
  if status == "503" and not headers:get("retry-after") then
    headers:replace("retry-after", "1")
  end
  if code and allowed[status] and allowed[status][code] then
    headers:replace(":status", code)
    if code == "204" then headers:remove("content-type") end
  elseif status == "501" then
    local body = handle:body()
    if body and body:getBytes(0, body:length()):find('"message":""', 1, true) then
      headers = handle:headers()  -- the old object ended with the wait for the body
      headers:replace(":status", "400")
      headers:replace("content-length", tostring(body:setBytes(not_parsed)))
    end
  end
end
