# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The links that the network faults cut."""

import pathlib
import socket
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from tcp_proxy import Proxies  # noqa: E402

SHORT = 0.2


@pytest.fixture
def link():
    """A link to a server; with the server's listening socket."""
    proxies = Proxies()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        made = proxies.link(lambda: server.getsockname()[1])
        made.server = server
        yield made
    proxies.close()


def connected(link):
    client = socket.create_connection(("127.0.0.1", link.port), timeout=5)
    server, _ = link.server.accept()
    server.settimeout(5)
    return client, server


def stays_silent(end):
    end.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        end.recv(1)
    end.settimeout(5)


def test_it_passes_bytes_both_ways_and_the_end(link):
    client, server = connected(link)
    client.sendall(b"a")
    assert server.recv(1) == b"a"
    server.sendall(b"b")
    assert client.recv(1) == b"b"
    client.close()
    assert server.recv(1) == b""


def test_held_bytes_come_when_it_passes_again(link):
    client, server = connected(link)
    link.set_mode("hold")
    client.sendall(b"a")
    server.sendall(b"b")
    stays_silent(client)
    stays_silent(server)
    link.set_mode("pass")
    assert server.recv(1) == b"a" and client.recv(1) == b"b"


def test_one_way_lets_only_the_client_speak(link):
    client, server = connected(link)
    link.set_mode("oneway")
    client.sendall(b"a")
    server.sendall(b"b")
    assert server.recv(1) == b"a"
    stays_silent(client)


def test_reset_ends_connections_and_refuses_new_ones(link):
    client, _ = connected(link)
    link.set_mode("reset")
    for end in (client, socket.create_connection(("127.0.0.1", link.port), timeout=5)):
        try:
            assert end.recv(1) == b""
        except ConnectionResetError:
            pass
    link.set_mode("pass")
    connected(link)
