"""An adapter for OpenLDAP: an item is an entry, its value the entry's description. `docs/adapter.md` describes the lines.

    dateline test register --target adapter --config examples/openldap.toml

    python3 openldap.py PORT REGION PEERS

What decides between two regions is `entryCSN` (time, counter, server), so reads show it as the stamp.
"""

import datetime
import json
import sys

import ldap

BASE = "dc=dateline"
VALUE = "description"
# Less than the time that an operation may take, so that a dead link is told as such.
BIND_SECONDS = 1.0
# A write is a modification or, where there is no entry, an addition; others may delete and add in between.
ATTEMPTS = 10


def refuse(error, **more):
    return {"error": error, "definite": True, **more}


def name(key):
    return f"cn={key},{BASE}"


def value(entry):
    return int(entry[VALUE][0]) if VALUE in entry else None


class Adapter:
    def __init__(self, port, region, peers):
        self.port = port
        self.regions = sorted([region, *(peer.split("=")[0] for peer in peers.split(",") if peer)])
        self.connection = None

    def answer(self, request):
        if request["op"] == "hello":
            return {"capabilities": ["read", "write", "cas", "delete", "scan", "stamps"], "store": "OpenLDAP"}
        try:
            if self.connection is None:
                self.connection = ldap.Connection(self.port, f"cn=admin,{BASE}", "dateline", BIND_SECONDS)
        except (OSError, ldap.Refused) as error:
            return refuse(f"not connected: {error}")
        try:
            return self.perform(request)
        except ldap.Refused as error:
            return {"error": str(error), "definite": error.code not in ldap.UNSURE}
        except OSError as error:
            self.connection = None
            return {"error": str(error), "definite": False}

    def perform(self, request):
        operation, key = request["op"], request.get("key")
        if operation == "read":
            return self.read(key)
        if operation == "write":
            return self.write(key, request["value"])
        if operation == "delete":
            return self.delete(key)
        if operation == "cas":
            return self.cas(key, request)
        if operation == "scan":
            entries = self.connection.search(BASE, 1, ["cn", VALUE])
            return {"items": [[int(entry["cn"][0]), value(entry)] for entry in entries]}
        return refuse(f"there is no operation {operation}")

    def read(self, key):
        try:
            [entry] = self.connection.search(name(key), 0, [VALUE, "entryCSN"])
        except ldap.Refused as error:
            if error.code != ldap.NO_SUCH_OBJECT:
                raise
            return {"value": None}
        return {"value": value(entry), "stamp": self.stamp(entry["entryCSN"][0])}

    def stamp(self, csn):
        """`20261121093504.079442Z#000000#001#000000`: when, in microseconds, and in which region."""
        time, _, server, _ = csn.split("#")
        when = datetime.datetime.strptime(time, "%Y%m%d%H%M%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
        return [(when - epoch) // datetime.timedelta(microseconds=1), self.regions[int(server, 16) - 1]]

    def write(self, key, new):
        for _ in range(ATTEMPTS):
            try:
                return {"ok": True, "old": value(self.connection.replace(name(key), VALUE, str(new)))}
            except ldap.Refused as error:
                if error.code != ldap.NO_SUCH_OBJECT:
                    raise
            if self.add(key, new):
                return {"ok": True, "old": None}
        return refuse("the entry came and went")

    def add(self, key, new):
        try:
            self.connection.add(name(key), {"objectClass": ["organizationalRole"], "cn": [str(key)], VALUE: [str(new)]})
            return True
        except ldap.Refused as error:
            if error.code != ldap.ALREADY_EXISTS:
                raise
            return False

    def delete(self, key):
        try:
            return {"ok": True, "old": value(self.connection.delete(name(key), VALUE))}
        except ldap.Refused as error:
            if error.code != ldap.NO_SUCH_OBJECT:
                raise
            return {"ok": True, "old": None}

    def cas(self, key, request):
        new, expected = request["value"], request.get("expected")
        if expected is None and not request.get("exists"):
            return {"ok": True, "old": None} if self.add(key, new) else refuse("condition-failed")
        holds = None if request.get("exists") else (VALUE, str(expected))
        try:
            if new is None:
                old = self.connection.delete(name(key), VALUE, holds)
            else:
                old = self.connection.replace(name(key), VALUE, str(new), holds)
        except ldap.Refused as error:
            if error.code not in (ldap.NO_SUCH_OBJECT, ldap.ASSERTION_FAILED):
                raise
            return refuse("condition-failed")
        return {"ok": True, "old": value(old)}


def main():
    adapter = Adapter(int(sys.argv[1]), *sys.argv[2:])
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **adapter.answer(request)}), flush=True)


main()
