"""As much of LDAP (RFC 4511) as one client of a test needs: bind, search, add, modify, delete, each once and never again.

A library would do; this is here so that the example needs nothing but Python 3, and so that nothing is retried behind our back.
"""

import socket

SUCCESS, NO_SUCH_OBJECT, ALREADY_EXISTS, ASSERTION_FAILED = 0, 32, 68, 122
# After these a server may have done it all the same: operationsError, timeLimitExceeded, unavailable, other.
UNSURE = {1, 3, 52, 80}


def tagged(tag, *parts):
    """One element of BER: its tag, its length, its parts."""
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def number(value, tag=0x02):
    return tagged(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def text(value, tag=0x04):
    return tagged(tag, value.encode() if isinstance(value, str) else value)


def sequence(*parts):
    return tagged(0x30, *parts)


def attribute(name, values):
    return sequence(text(name), tagged(0x31, *map(text, values)))


def elements(content):
    """The (tag, content) pairs that lie one after the other."""
    at = 0
    while at < len(content):
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            wide = length & 0x7F
            length = int.from_bytes(content[at : at + wide], "big")
            at += wide
        yield tag, content[at : at + length]
        at += length


def entry(content):
    """The attributes of a search result entry, by name."""
    _, (_, attributes) = elements(content)
    found = {}
    for _, one in elements(attributes):
        (_, name), (_, values) = elements(one)
        found[name.decode()] = [value.decode() for _, value in elements(values)]
    return found


class Refused(Exception):
    """The server answered with another code than success: unless the code is of UNSURE, nothing was done."""

    def __init__(self, code, why):
        super().__init__(f"LDAP result {code} {why}".strip())
        self.code = code


class Connection:
    """One connection. After an OSError nobody knows what became of the request; throw it away."""

    def __init__(self, port, user, password, seconds):
        self.last = 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.request(tagged(0x60, number(3), text(user), text(password, 0x80)))
        self.socket.settimeout(None)

    def search(self, base, scope, attributes):
        """The entries: {name: [value]} each. Scope 0: the entry itself; 1: those below it."""
        limits = number(0) + number(0) + tagged(0x01, b"\0")
        everything = text("objectClass", 0x87)
        names = sequence(*map(text, attributes))
        enumerated = number(scope, 0x0A) + number(0, 0x0A)
        return self.request(tagged(0x63, text(base), enumerated, limits, everything, names))[0]

    def add(self, name, attributes):
        listed = (attribute(kind, values) for kind, values in attributes.items())
        self.request(tagged(0x68, text(name), sequence(*listed)))

    def replace(self, name, kind, value, holds=None):
        """Replaces an attribute, if `holds` (kind, value) is true of the entry; returns what the entry was."""
        change = sequence(number(2, 0x0A), attribute(kind, [value]))
        return self.request(tagged(0x66, text(name), sequence(change)), kind, holds)[1]

    def delete(self, name, kind, holds=None):
        return self.request(text(name, 0x4A), kind, holds)[1]

    def request(self, operation, before=None, holds=None):
        """Sends one request, and returns (entries found, entry before the change)."""
        controls = b""
        if before:  # The pre-read control, RFC 4527.
            controls += sequence(text("1.3.6.1.1.13.1"), text(sequence(text(before))))
        if holds:  # The assertion control, RFC 4528: critical, an equality filter.
            equality = tagged(0xA3, *map(text, holds))
            controls += sequence(text("1.3.6.1.1.12"), tagged(0x01, b"\xff"), text(equality))
        self.last += 1
        message = number(self.last) + operation + (tagged(0xA0, controls) if controls else b"")
        self.socket.sendall(sequence(message))
        found = []
        while True:
            _, (tag, content), *rest = elements(self.receive())
            if tag == 0x64:
                found.append(entry(content))
                continue
            (_, code), _, (_, why), *_ = elements(content)
            code = int.from_bytes(code, "big")
            if code != SUCCESS:
                raise Refused(code, why.decode())
            return found, self.before(rest)

    def before(self, rest):
        for _, controls in rest:
            for _, control in elements(controls):
                *_, (_, value) = elements(control)
                for _, content in elements(value):
                    return entry(content)
        return {}

    def receive(self):
        """The content of one whole message."""
        head = self.exactly(2)
        length = head[1]
        if length & 0x80:
            length = int.from_bytes(self.exactly(length & 0x7F), "big")
        return self.exactly(length)

    def exactly(self, count):
        content = self.stream.read(count)
        if len(content) < count:
            raise ConnectionError("the server closed the connection")
        return content
