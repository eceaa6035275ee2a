"""Drives the API on the port that is given with toxiproxy-python: what its own README and tests do, against an echo server."""

import contextlib
import socket
import sys
import threading
import time

import toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists


def serve(listener):
    def echo(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    while True:
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def ping(proxy, size=1):
    """How long so many bytes take there and back, in seconds; None if they do not come back."""
    host, port = proxy.listen.rsplit(":", 1)
    begun = time.monotonic()
    try:
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"x" * size)
            left = size
            while left:
                data = connection.recv(65536)
                if not data:
                    return None
                left -= len(data)
    except OSError:
        return None
    return time.monotonic() - begun


def is_calm(proxy):
    """Whether bytes pass undisturbed. A busy machine may be slow once, but not each time."""
    times = [ping(proxy, 4096) for _ in range(5)]
    return None not in times and min(times) < 0.05


def refused(error, action):
    try:
        action()
    except error:
        return
    raise AssertionError(f"not refused with {error.__name__}")


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
upstream = "127.0.0.1:%d" % listener.getsockname()[1]

server = toxiproxy.Toxiproxy()
server.update_api_consumer("127.0.0.1", int(sys.argv[1]))
assert server.running() and b"2.9.0" in server.version()

db = server.create(name="db", upstream=upstream)
assert db.enabled and server.get_proxy("db").listen == db.listen
assert is_calm(db)
refused(ProxyExists, lambda: server.create(name="db", upstream=upstream))

with db.down():
    assert ping(db) is None
assert is_calm(db)

db.add_toxic(type="latency", attributes={"latency": 200, "jitter": 5})
assert db.get_toxic("latency_downstream").attributes == {"latency": 200, "jitter": 5}
assert ping(db) >= 0.19
db.destroy_toxic("latency_downstream")
assert db.toxics() == {} and is_calm(db)

for kind, stream, attributes, comes_back, seconds in [
    ("bandwidth", "upstream", {"rate": 10}, True, 0.3),
    ("slicer", "downstream", {"average_size": 500, "size_variation": 50, "delay": 20000}, True, 0.1),
    ("slow_close", "downstream", {"delay": 100}, True, 0),
    ("timeout", "downstream", {"timeout": 150}, False, 0),
    ("reset_peer", "upstream", {"timeout": 100}, False, 0),
    ("limit_data", "downstream", {"bytes": 1000}, False, 0),
]:
    db.add_toxic(name="one", type=kind, stream=stream, attributes=attributes)
    assert db.get_toxic("one").stream == stream, kind
    took = ping(db, 4096)
    assert (took is not None) == comes_back, (kind, took)
    assert took is None or took >= seconds, (kind, took)
    db.destroy_toxic("one")
    assert is_calm(db), f"after {kind}"

db.add_toxic(type="limit_data", toxicity=0.5, attributes={"bytes": 0})
passed = sum(ping(db) is not None for _ in range(40))
assert 5 <= passed <= 35, passed

refused(InvalidToxic, lambda: db.add_toxic(type="venom"))
refused(NotFound, lambda: db.destroy_toxic("venom"))

cache, queue = server.populate([{"name": name, "upstream": upstream} for name in ("cache", "queue")])
assert is_calm(cache) and len(server.proxies()) == 3
queue.disable()
server.reset()
assert server.get_proxy("queue").enabled and server.get_proxy("db").toxics() == {}
assert is_calm(queue) and is_calm(db)

server.destroy_all()
assert server.proxies() == {} and ping(db) is None
