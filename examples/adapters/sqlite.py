"""An adapter for SQLite: one file, every operation a transaction. `docs/adapter.md` describes the lines.

    dateline test register --target adapter --config examples/sqlite.toml

It needs nothing but Python 3.
"""

import json
import sqlite3
import sys


def refuse(error, **more):
    return {"error": error, "definite": True, **more}


def perform(database, request):
    """Does one operation inside a transaction that the caller began."""
    operation, key = request["op"], request.get("key")
    if operation == "scan":
        rows = database.execute("SELECT key, value FROM items").fetchall()
        return {"items": [[key, json.loads(value)] for key, value in rows]}
    row = database.execute("SELECT value FROM items WHERE key = ?", (key,)).fetchone()
    old = json.loads(row[0]) if row else None
    if operation == "read":
        return {"value": old}
    if operation == "cas":
        holds = old is not None if request.get("exists") else old == request["expected"]
        if not holds:
            return refuse("condition-failed", seen=old)
        new = request["value"]
    elif operation == "write":
        new = request["value"]
    elif operation == "delete":
        new = None
    elif operation == "increment":
        new = (old or 0) + request["delta"]
    elif operation == "append":
        new = (old or []) + [request["element"]]
    elif operation == "add":
        new = sorted({*(old or []), request["element"]})
    else:
        return refuse(f"there is no operation {operation}")
    if new is None:
        database.execute("DELETE FROM items WHERE key = ?", (key,))
    else:
        database.execute("REPLACE INTO items VALUES (?, ?)", (key, json.dumps(new)))
    return {"ok": True, "old": old}


def answer(database, request):
    if request["op"] == "hello":
        offered = ["read", "write", "cas", "delete", "add", "increment", "append", "scan"]
        return {"capabilities": offered, "store": f"sqlite {sqlite3.sqlite_version}"}
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return refuse(str(error))  # Nothing was begun, so nothing happened.
    try:
        done = perform(database, request)
    except sqlite3.Error as error:
        database.execute("ROLLBACK")
        return refuse(str(error))
    try:
        database.execute("COMMIT")
    except sqlite3.Error as error:
        return {"error": str(error), "definite": False}
    return done


def main():
    database = sqlite3.connect(sys.argv[1], timeout=1.5, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS items (key INTEGER PRIMARY KEY, value TEXT NOT NULL)")
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer(database, request)}), flush=True)


main()
