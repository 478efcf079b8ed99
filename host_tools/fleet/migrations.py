"""How the fleet database came to have the tables that it has."""

# One entry per version, applied in order; an entry is never edited once released.
MIGRATIONS = (
    """
    CREATE TABLE boards (
        mac TEXT PRIMARY KEY,
        name TEXT UNIQUE,
        claim TEXT CHECK (claim IN ('started', 'done')),
        board TEXT NOT NULL DEFAULT '',
        chip TEXT NOT NULL DEFAULT '',
        cluster TEXT NOT NULL DEFAULT '',
        labels TEXT NOT NULL DEFAULT '[]',
        port TEXT NOT NULL DEFAULT '',
        seen_at TEXT NOT NULL DEFAULT '',
        revision INTEGER NOT NULL DEFAULT 0,
        provisioned_at TEXT NOT NULL DEFAULT '',
        CHECK ((name IS NULL) = (claim IS NULL))
    );
    CREATE TABLE results (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        mac TEXT NOT NULL,
        name TEXT NOT NULL,
        command TEXT NOT NULL,
        code INTEGER NOT NULL,
        message TEXT NOT NULL,
        seconds REAL NOT NULL
    );
    CREATE INDEX results_by_mac ON results (mac, id);
    """,
    """
    CREATE TABLE rollouts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        digest TEXT NOT NULL,
        terms TEXT NOT NULL,
        waves INTEGER NOT NULL,
        wave INTEGER NOT NULL,
        state TEXT NOT NULL
            CHECK (state IN ('running', 'paused', 'halted', 'aborted', 'done')),
        why TEXT NOT NULL,
        generation INTEGER NOT NULL,
        offered_to TEXT NOT NULL,
        started_at_s INTEGER NOT NULL,
        changed_at_s INTEGER NOT NULL,
        listened_at_s INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX one_rollout_at_a_time ON rollouts ((1))
        WHERE state IN ('running', 'paused', 'halted');
    CREATE TABLE rollout_boards (
        rollout INTEGER NOT NULL REFERENCES rollouts (id),
        mac TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        wave INTEGER NOT NULL,
        stage TEXT NOT NULL,
        why TEXT NOT NULL,
        done_permille INTEGER NOT NULL,
        battery_mv INTEGER NOT NULL,
        changed_at_s INTEGER NOT NULL,
        heard_at_s INTEGER NOT NULL,
        PRIMARY KEY (rollout, mac)
    ) WITHOUT ROWID;
    CREATE TABLE rollout_steps (
        id INTEGER PRIMARY KEY,
        rollout INTEGER NOT NULL REFERENCES rollouts (id),
        at_s INTEGER NOT NULL,
        mac TEXT NOT NULL,
        what TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE rollout_predictions (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL,
        at_s INTEGER NOT NULL,
        boards INTEGER NOT NULL,
        runs TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE rollout_boards ADD COLUMN used_uah INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE sightings (
        mac TEXT PRIMARY KEY,
        heard_at_s INTEGER NOT NULL,
        loss_permille INTEGER NOT NULL,
        neighbours INTEGER NOT NULL,
        battery_mv INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE links (
        hearer TEXT NOT NULL,
        heard TEXT NOT NULL,
        heard_at_s INTEGER NOT NULL,
        PRIMARY KEY (hearer, heard)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE enrolments (
        mac TEXT PRIMARY KEY,
        node INTEGER NOT NULL,
        network INTEGER NOT NULL,
        roles INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        expires_s INTEGER NOT NULL,
        public BLOB NOT NULL,
        signer BLOB NOT NULL UNIQUE,
        certificate BLOB NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('started', 'done', 'revoked')),
        why TEXT NOT NULL,
        changed_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE revocations (
        signer BLOB PRIMARY KEY,
        mac TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        why TEXT NOT NULL,
        at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE statements (
        network INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        document BLOB NOT NULL
    );
    """,
)
