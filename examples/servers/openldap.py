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
moduleload accesslog
serverID   {server}
{log}
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
{logging}
"""

# With OPENLDAP_REPLICATION=delta changes are replicated instead of entries: each provider logs its own, and consumers read the log.
LOG = """\
database   mdb
suffix     cn=accesslog
rootdn     cn=admin,dc=dateline
directory  {folder}/log
maxsize    268435456
index      default eq
index      entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN
overlay    syncprov
syncprov-nopresent TRUE
syncprov-reloadhint TRUE
"""
LOGGING = """\
overlay    accesslog
logdb      cn=accesslog
logops     writes
logsuccess TRUE"""
FROM_LOG = """ logbase=cn=accesslog
           logfilter="(&(objectClass=auditWriteObject)(reqResult=0))" syncdata=accesslog"""

# One for each other region. It waits a second between attempts, for ever.
CONSUMER = """\
syncrepl   rid={number:03} provider=ldap://{address} type=refreshAndPersist retry="1 +" searchbase=dc=dateline
           bindmethod=simple binddn=cn=admin,dc=dateline credentials=dateline network-timeout=2{log}"""

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
is_delta = os.environ.get("OPENLDAP_REPLICATION") == "delta"


def consumer(peer):
    return CONSUMER.format(number=regions.index(peer) + 1, address=peers[peer], log=FROM_LOG if is_delta else "")


if not configuration.exists():
    (folder / "db").mkdir()
    (folder / "log").mkdir()
    text = CONFIGURATION.format(
        server=regions.index(REGION) + 1,
        folder=folder,
        consumers="\n".join(map(consumer, peers)),
        log=LOG.format(folder=folder) if is_delta else "",
        logging=LOGGING if is_delta else "",
    )
    configuration.write_text(text)
    subprocess.run(["slapadd", "-b", "dc=dateline", "-f", configuration], input=BASE, text=True, check=True)

# Its process number stays ours, so that it can be killed and stopped. `-d 0` keeps it in the foreground.
os.execvp("slapd", ["slapd", "-d", os.environ.get("SLAPD_DEBUG", "0"), "-f", configuration, "-h", f"ldap://127.0.0.1:{PORT}/"])
