"""An adapter for Garage: an item is an object, its value the object's content. `docs/adapter.md` describes the lines.

    dateline test ycsb-a --target adapter --config examples/garage.toml

    python3 garage.py PORT

It speaks S3, signed by SigV4, with nothing but Python 3. There are no conditions: Garage has none.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import sys

BUCKET, KEY, SECRET, REGION = "dateline", "GK" + "0da7e11e" * 3, "5ec7e7" * 10 + "5ec7", "garage"
# Less than the time that an operation may take.
CONNECT_SECONDS = 1.0


def refuse(error):
    return {"error": error, "definite": True}


def sign(method, path, host, body):
    """The headers that make a request ours, as AWS's "Signature Version 4" describes."""
    now = datetime.datetime.now(datetime.timezone.utc)
    time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": time}
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, digest])
    scope = f"{day}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in [*scope.split("/"), text]:
        key = hmac.digest(key, part.encode(), "sha256")
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return headers


class Adapter:
    def __init__(self, port):
        self.host = f"127.0.0.1:{port}"
        self.connection = None

    def answer(self, request):
        if request["op"] == "hello":
            return {"capabilities": ["read", "write", "delete"], "store": "Garage"}
        methods = {"read": "GET", "write": "PUT", "delete": "DELETE"}
        if request["op"] not in methods:
            return refuse(f"there is no operation {request['op']}")
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=CONNECT_SECONDS)
                self.connection.connect()
                self.connection.sock.settimeout(None)
        except OSError as error:
            self.connection = None
            return refuse(f"not connected: {error}")
        try:
            return self.perform(methods[request["op"]], request)
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            return {"error": f"{type(error).__name__} {error}", "definite": False}

    def perform(self, method, request):
        path = f"/{BUCKET}/{request['key']}"
        body = str(request["value"]).encode() if method == "PUT" else b""
        # HTTPConnection would open a closed connection again by itself; we want to know.
        self.connection.auto_open = 0
        self.connection.request(method, path, body, sign(method, path, self.host, body))
        response = self.connection.getresponse()
        content = response.read()
        if response.will_close:
            self.connection = None
        if method == "GET" and response.status == 404 and b"NoSuchKey" in content:
            return {"value": None}
        if response.status >= 300:
            error = f"{response.status} {content[:200].decode(errors='replace')}"
            return {"error": error, "definite": response.status < 500}
        return {"value": int(content)} if method == "GET" else {"ok": True}


def main():
    adapter = Adapter(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **adapter.answer(request)}), flush=True)


main()
