# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What a stranger can send to the services' ports, and what an operator can ask of them."""

import contextlib
import json
import re
import socket
import struct
import subprocess

import grpc
import pytest

import harness

GRPCURL = harness.ROOT / ".tools/go/bin/grpcurl"
# Of compressed zeros: what it becomes would show in any process.
BOMB = bytes(256 << 20)
VERSION = r"\d+\.\d+\.\d+ \(commit [-0-9a-z]+, [A-Za-z]+\)"


@pytest.fixture(scope="module")
def strange(broker):
    port = harness.free_port()
    with harness.Set(broker, worker_flags=["--health_address", f"127.0.0.1:{port}"]) as running:
        running.health_port = port
        running.worker.wait_for_event("ready")
        yield running


@contextlib.contextmanager
def no_more_memory(part, mebibytes):
    """Fails if the process ever takes that much more meanwhile."""
    def peak():
        with open(f"/proc/{part.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))
    before = peak()
    yield
    assert peak() - before < mebibytes, f"{part.name} grew from {before} to {peak()} MiB"


UNARY = ["/buzzer.v1.JobService/SubmitJob", "/buzzer.v1.JobService/BatchSubmitJobs",
         "/buzzer.v1.JobService/GetJob", "/buzzer.v1.JobService/WatchJob",
         "/grpc.health.v1.Health/Check"]
STREAMS = ["StateService/Submit", "StateService/Watch", "WorkService/Work", "BackupService/Backup"]


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.parametrize("through_gateway", [False, True])
def test_a_compressed_call_is_refused_and_never_unpacked(strange, compression, through_gateway):
    with no_more_memory(strange.frontend, 32), strange.channel(through_gateway) as channel:
        for method in UNARY:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(method)(BOMB, compression=compression, timeout=60)
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED, method
            assert "ompress" in refused.value.details(), method
    assert strange.submit("demo.echo")["state"] == "QUEUED"


@pytest.mark.parametrize("method", STREAMS)
def test_a_compressed_stream_to_state_is_refused_and_never_unpacked(strange, method):
    with (no_more_memory(strange.state, 32),
          grpc.insecure_channel(f"127.0.0.1:{strange.state_port}") as channel):
        with pytest.raises(grpc.RpcError) as refused:
            list(channel.stream_stream(f"/buzzer.internal.v1.{method}")(
                iter([BOMB]), compression=grpc.Compression.Gzip, timeout=60))
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "ompress" in refused.value.details()


def field(number, content):
    """A field that has a length."""
    size, packed = len(content), b""
    while size > 127:
        packed, size = packed + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + packed + bytes([size]) + content


def with_empty_lists(api, count):
    """A SubmitJobRequest whose payload is a list of so many; a tree of it takes some 80 bytes each."""
    return (api.jobs.SubmitJobRequest(type="demo.echo").SerializeToString() +
            field(4, field(6, b"\x0a\x02\x32\x00" * count)))


def test_a_wide_payload_is_refused_by_its_bytes(strange, api):
    with no_more_memory(strange.frontend, 64), strange.channel() as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/buzzer.v1.JobService/SubmitJob")(
                with_empty_lists(api, 3_000_000), timeout=60)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details() == "`payload`: must be at most 1048576 bytes as JSON"
        batch = field(1, with_empty_lists(api, 1)) + field(1, with_empty_lists(api, 700_000))
        answer = api.jobs.BatchSubmitJobsResponse.FromString(
            channel.unary_unary("/buzzer.v1.JobService/BatchSubmitJobs")(batch, timeout=60))
        assert answer.results[0].HasField("job")
        assert answer.results[1].error.message == refused.value.details()


@pytest.mark.parametrize("method", ["GetJob", "ListJobs", "WatchJob"])
def test_unknown_fields_are_refused_by_their_bytes(strange, method):
    """Each of two bytes takes a text's forty once it is parsed."""
    with no_more_memory(strange.frontend, 64), strange.channel() as channel:
        with pytest.raises(grpc.RpcError) as refused:
            list(channel.unary_stream(f"/buzzer.v1.JobService/{method}")(
                b"\x7a\x00" * 5_500_000, timeout=60))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert f"a {method}Request has at most 1000" in refused.value.details()


@pytest.mark.parametrize("method, part", [
    ("StateService/Submit", b"\x12\x00"),  # Jobs.
    ("StateService/Watch", b"\x0a\x00"),  # Starts.
    ("WorkService/Work", b"\x12\x00"),  # Claims.
    ("WorkService/Work", b"\x22\x00"),  # Progress reports.
    ("WorkService/Work", b"\xf8\x3f\x01"),  # Of a number that there is not.
])
def test_a_wide_message_to_state_is_refused_by_its_bytes(strange, method, part):
    with (no_more_memory(strange.state, 64),
          grpc.insecure_channel(f"127.0.0.1:{strange.state_port}") as channel):
        with pytest.raises(grpc.RpcError) as refused:
            list(channel.stream_stream(f"/buzzer.internal.v1.{method}")(
                iter([part * (8_000_000 // len(part))]), timeout=60))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "has at most" in refused.value.details()


def test_a_message_without_end_takes_no_more_than_the_quota(strange):
    """gRPC looks at a message's size at its end."""
    with no_more_memory(strange.frontend, 700), strange.channel() as channel:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/buzzer.v1.JobService/SubmitJob")(bytes(1 << 30), timeout=60)
    assert strange.submit("demo.echo")["state"] == "QUEUED"


def http2_frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream) + payload


def test_a_peer_cannot_write_a_line_of_the_log(strange):
    """gRPC logs a header's value that it does not understand, as it is."""
    def header(name, value):
        return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
    forged = b'x\n{"event":"forged","level":"error"}\n'
    headers = b"".join(header(*pair) for pair in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/buzzer.v1.JobService/GetJob"),
        (b":authority", b"x"), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
        (b"grpc-encoding", forged)))
    mark = strange.frontend.mark()
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", strange.grpc_port)) as client:
            client.settimeout(30)
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0, b"") +
                           http2_frame(1, 5, 1, headers))
            client.recv(1)
    line = strange.frontend.wait_for_event("grpc", since=mark)
    assert "forged" in line["text"] and line["level"] == "warning"
    # A text that is no UTF-8 in a message: Protobuf complains.
    with strange.channel() as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/buzzer.v1.JobService/GetJob")(b"\x0a\x02\xff\xfe", timeout=60)
    strange.frontend.wait_for_event("protobuf", since=mark)
    assert not strange.frontend.events("forged")
    assert len(strange.frontend.events("grpc", since=mark)) == 1
    lines = strange.frontend.tail(1000).splitlines()
    assert all(isinstance(json.loads(text), dict) for text in lines)


@pytest.mark.parametrize("first_bytes", [b"", b"GET /metrics HTTP/1.1\r\nHost: l"])
def test_metrics_and_probe_answer_beside_connections_that_say_nothing(strange, first_bytes):
    for service in ("worker", "state", "frontend"):
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                crowd = stack.enter_context(
                    socket.create_connection(("127.0.0.1", strange.metrics_ports[service])))
                crowd.sendall(first_bytes)
            if service == "worker":
                done = subprocess.run(
                    [harness.BIN_DIR / "buzzer-health", f"--worker=127.0.0.1:{strange.health_port}"],
                    capture_output=True, text=True, check=False, timeout=60)
                assert done.returncode == 0, done.stderr
            assert "buzzer_build_info{" in strange.metrics(service)


def test_a_worker_without_state_lives_and_is_not_ready(fresh_buzzer):
    port = harness.free_port()
    worker = fresh_buzzer.new_worker("other")
    worker.command += ["--health_address", f"127.0.0.1:{port}"]
    worker.start()

    def ask(flag):
        return subprocess.run([harness.BIN_DIR / "buzzer-health", f"--{flag}=127.0.0.1:{port}"],
                              capture_output=True, text=True, check=False, timeout=60)
    harness.eventually(lambda: ask("worker").returncode == 0, what="a ready worker")
    fresh_buzzer.state.kill()
    harness.eventually(lambda: "not connected to the state service" in ask("worker").stderr,
                       what="an unready worker")
    assert ask("address").returncode == 0


@pytest.mark.parametrize("through_gateway", [False, True])
def test_grpcurl_can_ask_for_health(strange, through_gateway):
    address = strange.gateway_address if through_gateway else strange.address
    done = subprocess.run([GRPCURL, "-plaintext", address, "grpc.health.v1.Health/Check"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"status": "SERVING"}


@pytest.mark.parametrize("program", ["buzzer", "buzzer-frontend", "buzzer-health", "buzzer-state",
                                     "buzzer-supervisor", "buzzer-worker"])
def test_every_program_tells_its_version_and_its_flags(program):
    def run(flag):
        done = subprocess.run([harness.BIN_DIR / program, flag], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    assert re.fullmatch(f"{program} {VERSION}\n", run("--version"))
    usage = run("--help")
    assert program in usage and "No flags matched" not in usage
    expected = {"buzzer-frontend": "--state_address=127.0.0.1:50052",
                "buzzer-health": "--timeout=2s", "buzzer-state": "--data_directory=",
                "buzzer-worker": "--health_address="}
    assert expected.get(program, program) in usage
    assert "--flagfile" not in usage


def test_what_was_built_is_told_everywhere(strange):
    versions = set()
    for part in (strange.state, strange.frontend, strange.worker):
        [serving] = part.events("serving")
        versions.add(serving["version"])
        [line] = re.findall(r"^buzzer_build_info\{.*$", strange.metrics(part.name), re.MULTILINE)
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        versions.add(f"{labels['version']} (commit {labels['commit']}, {labels['build_type']})")
    [version] = versions
    assert re.fullmatch(VERSION, version)
