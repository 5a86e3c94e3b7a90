"""The tables of state.db. The n-th migration brings a file from version n to n+1."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE cursor (follower TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE subject (owner TEXT NOT NULL, device TEXT NOT NULL, state BLOB NOT NULL,
        PRIMARY KEY (owner, device)) WITHOUT ROWID;
    CREATE TABLE frame (owner TEXT NOT NULL, device TEXT NOT NULL, at INTEGER NOT NULL,
        state BLOB NOT NULL, PRIMARY KEY (owner, device, at)) WITHOUT ROWID;
    CREATE TABLE late (owner TEXT NOT NULL, device TEXT NOT NULL, earliest INTEGER NOT NULL,
        PRIMARY KEY (owner, device)) WITHOUT ROWID;
    CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
        alert TEXT NOT NULL, recorded INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE alert (id TEXT PRIMARY KEY, owner TEXT NOT NULL, device TEXT NOT NULL,
        state TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER, body BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX alert_of_device ON alert (owner, device, began);
    CREATE INDEX alert_open ON alert (began) WHERE ended IS NULL;
    CREATE TABLE rule (name TEXT NOT NULL, version TEXT NOT NULL, since INTEGER NOT NULL,
        until INTEGER, settings TEXT NOT NULL, PRIMARY KEY (name, since)) WITHOUT ROWID;
    CREATE TABLE dead_letter (number INTEGER PRIMARY KEY, follower TEXT NOT NULL,
        recorded INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL);
    CREATE TABLE clock (number INTEGER PRIMARY KEY, boot TEXT NOT NULL,
        monotonic INTEGER NOT NULL, wall INTEGER NOT NULL, moved INTEGER NOT NULL);
    """,
    """
    CREATE TABLE principal (name TEXT PRIMARY KEY, digest BLOB, body BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE registry (owner TEXT NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL,
        source TEXT NOT NULL, confirmed INTEGER NOT NULL, PRIMARY KEY (owner, name))
        WITHOUT ROWID;
    """,
    # Who uses the page and the API, what they did about alerts, and the audit trail.
    """
    CREATE TABLE person (name TEXT PRIMARY KEY, password TEXT, body BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE login (digest BLOB PRIMARY KEY, person TEXT NOT NULL, body BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX login_of ON login (person);
    CREATE TABLE api_key (name TEXT PRIMARY KEY, digest BLOB UNIQUE, body BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE act (number INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL,
        body BLOB NOT NULL);
    CREATE INDEX act_of ON act (alert, number);
    CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
        who TEXT NOT NULL, what TEXT NOT NULL, body BLOB NOT NULL);
    CREATE INDEX alert_by_age ON alert (began, id);
    CREATE INDEX event_of ON event (alert, number);
    """,
    # What copies elsewhere need: the tags of devices over time, and the days that a follower
    # with a cap has missed and gets from the history.
    """
    CREATE TABLE tagging (since INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE missed (follower TEXT NOT NULL, day INTEGER NOT NULL,
        PRIMARY KEY (follower, day)) WITHOUT ROWID;
    CREATE INDEX dead_letter_of ON dead_letter (follower, number);
    """,
    # What is known of devices: what they were recognised as, dated facts that people state of
    # them, how good their readings are, and which of them never came.
    """
    ALTER TABLE registry ADD COLUMN recognised TEXT NOT NULL DEFAULT '';
    ALTER TABLE registry ADD COLUMN why TEXT NOT NULL DEFAULT '';
    CREATE TABLE fact (number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL,
        device TEXT NOT NULL, kind TEXT NOT NULL, since INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE INDEX fact_of ON fact (owner, device, kind, since);
    CREATE TABLE quality (owner TEXT NOT NULL, device TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (owner, device)) WITHOUT ROWID;
    CREATE TABLE missing (owner TEXT NOT NULL, device TEXT NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, after INTEGER NOT NULL, before INTEGER NOT NULL,
        PRIMARY KEY (owner, device, after, first)) WITHOUT ROWID;
    """,
    # Consignments: dated facts, each with its true time and when it was entered; versions of
    # goods profiles that were ever in force; reports that people have signed.
    """
    CREATE TABLE consignment_fact (number INTEGER PRIMARY KEY AUTOINCREMENT,
        owner TEXT NOT NULL, consignment TEXT NOT NULL, kind TEXT NOT NULL,
        at INTEGER NOT NULL, entered INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
        body BLOB NOT NULL);
    CREATE INDEX consignment_fact_of ON consignment_fact (owner, consignment, number);
    CREATE TABLE profile (version TEXT PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL,
        body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE report (owner TEXT NOT NULL, consignment TEXT NOT NULL,
        version INTEGER NOT NULL, made INTEGER NOT NULL, digest TEXT NOT NULL,
        body BLOB NOT NULL, decision BLOB, PRIMARY KEY (owner, consignment, version))
        WITHOUT ROWID;
    """,
    # What people are told: messages to channels, each attempt to send one, what each route has
    # told of an alert so far, and what is not told of for a while; how each channel fares.
    """
    CREATE TABLE message (id TEXT PRIMARY KEY, channel TEXT NOT NULL, made INTEGER NOT NULL,
        due INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL, ended INTEGER,
        problem TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX message_waiting ON message (channel, made) WHERE state = 'waiting';
    CREATE INDEX message_by_age ON message (made, id);
    CREATE TABLE message_of (alert TEXT NOT NULL, message TEXT NOT NULL,
        PRIMARY KEY (alert, message)) WITHOUT ROWID;
    CREATE TABLE attempt (number INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL,
        at INTEGER NOT NULL, took INTEGER NOT NULL, outcome TEXT NOT NULL,
        detail TEXT NOT NULL);
    CREATE INDEX attempt_of ON attempt (message, number);
    CREATE TABLE channel (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE told (alert TEXT NOT NULL, route TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (alert, route)) WITHOUT ROWID;
    CREATE TABLE mute (number INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL,
        body BLOB NOT NULL);
    """,
)
