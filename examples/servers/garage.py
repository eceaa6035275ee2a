"""Becomes one zone's Garage (`start`), or joins the zones and makes a bucket (`setup`).

    python3 garage.py start REGION DATA_DIR HOST PORT PEER_PORT GATE
    python3 garage.py setup DATA_DIR

Every node has one address that all others connect to: its gate, a proxy of Dateline's that tells them apart by the address that they
connect *from*. So each node has a loopback address of its own and uses it for outgoing connections too.
"""

import os
import pathlib
import subprocess
import sys
import time

BUCKET, KEY, SECRET = "dateline", "GK" + "0da7e11e" * 3, "5ec7e7" * 10 + "5ec7"

CONFIGURATION = """\
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "lmdb"
metadata_fsync = true
data_fsync = true
replication_factor = 3
consistency_mode = "{consistency}"
rpc_secret = "{secret}"
rpc_bind_addr = "{host}:{peer_port}"
rpc_bind_outgoing = true
rpc_public_addr = "127.0.0.1:{gate}"

[s3_api]
s3_region = "garage"
api_bind_addr = "{host}:{port}"
"""

# How long joining may take.
LIMIT_S = 40


def start(region, data_dir, host, port, peer_port, gate):
    folder = pathlib.Path(data_dir)
    configuration = folder / "garage.toml"
    if not configuration.exists():
        consistency = os.environ.get("GARAGE_CONSISTENCY", "consistent")
        names = dict(folder=folder, secret=SECRET, host=host, port=port, peer_port=peer_port, gate=gate)
        configuration.write_text(CONFIGURATION.format(consistency=consistency, **names))
        configuration.chmod(0o600)
        (folder / "rpc").write_text(f"{host}:{peer_port}")
    # Its process number stays ours, so that it can be killed and stopped.
    os.execvp("garage", ["garage", "-c", configuration, "server"])


class Node:
    def __init__(self, folder):
        self.zone = folder.name
        self.configuration = folder / "garage.toml"
        # Its number and the address that it tells the others.
        self.name = self.run("node", "id", "-q")
        self.number = self.name.split("@")[0]
        # Past its gate, where we would come from nowhere.
        self.address = f"{self.number}@{(folder / 'rpc').read_text()}"

    def run(self, *words):
        said = subprocess.run(["garage", "-c", self.configuration, *words], capture_output=True, text=True)
        if said.returncode != 0:
            raise RuntimeError(f"garage {' '.join(words)}: {said.stderr.strip()}")
        return said.stdout.strip()

    def ask(self, *words):
        print("garage", *words, flush=True)
        return self.run("-h", self.address, *words)


def setup(data_dir):
    folders = sorted(path.parent for path in pathlib.Path(data_dir).parent.glob("*/garage.toml"))
    first, *others = nodes = [Node(folder) for folder in folders]
    for node in others:
        patiently(lambda: first.ask("node", "connect", node.name))
    for node in nodes:
        patiently(lambda: first.ask("layout", "assign", node.number, "-z", node.zone, "-c", "1G"))
    first.ask("layout", "apply", "--version", "1")
    patiently(lambda: first.ask("key", "import", "--yes", KEY, SECRET, "-n", BUCKET))
    patiently(lambda: first.ask("bucket", "create", BUCKET))
    patiently(lambda: first.ask("bucket", "allow", "--read", "--write", "--owner", BUCKET, "--key", KEY))


def patiently(action):
    """Nodes need a moment until they know each other."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            return action()
        except RuntimeError as error:
            if time.monotonic() > until:
                raise
            print(error, flush=True)
            time.sleep(0.5)


{"start": start, "setup": setup}[sys.argv[1]](*sys.argv[2:])
