"""Becomes one region's slapd: a provider that also consumes from every other region (`{peers}` of the template).

    python3 openldap.py REGION PORT DATA_DIR PEERS

Every region is loaded with the same base entry, as an administrator would from one backup. What each knows of the others is the
address of *its own* link to them, so that every ordered pair of regions can be cut alone.
"""

import os
import pathlib
import subprocess
import sys

REGION, PORT, DATA_DIR, PEERS = sys.argv[1:]

CONFIGURATION = """\
include    /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
serverID   {server}
database   mdb
suffix     dc=dateline
rootdn     cn=admin,dc=dateline
rootpw     dateline
directory  {folder}/db
maxsize    268435456
index      objectClass,entryUUID,entryCSN eq
{consumers}
multiprovider on
overlay    syncprov
syncprov-checkpoint 100 1
"""

# One for each other region. It waits a second between attempts, for ever.
CONSUMER = """\
syncrepl   rid={number:03} provider=ldap://{address} type=refreshAndPersist retry="1 +" searchbase=dc=dateline
           bindmethod=simple binddn=cn=admin,dc=dateline credentials=dateline network-timeout=2"""

BASE = """\
dn: dc=dateline
objectClass: dcObject
objectClass: organization
dc: dateline
o: Dateline
structuralObjectClass: organization
entryUUID: 00000000-0000-4000-8000-000000000001
creatorsName: cn=admin,dc=dateline
createTimestamp: 20260101000000Z
entryCSN: 20260101000000.000000Z#000000#000#000000
modifiersName: cn=admin,dc=dateline
modifyTimestamp: 20260101000000Z
"""

folder = pathlib.Path(DATA_DIR)
configuration = folder / "slapd.conf"
peers = dict(peer.split("=") for peer in PEERS.split(",") if peer)
regions = sorted([REGION, *peers])

if not configuration.exists():
    (folder / "db").mkdir()
    consumers = [CONSUMER.format(number=regions.index(peer) + 1, address=address) for peer, address in peers.items()]
    text = CONFIGURATION.format(server=regions.index(REGION) + 1, folder=folder, consumers="\n".join(consumers))
    configuration.write_text(text)
    subprocess.run(["slapadd", "-f", configuration], input=BASE, text=True, check=True)

# Its process number stays ours, so that it can be killed and stopped. `-d 0` keeps it in the foreground.
os.execvp("slapd", ["slapd", "-d", os.environ.get("SLAPD_DEBUG", "0"), "-f", configuration, "-h", f"ldap://127.0.0.1:{PORT}/"])
