-- Times are microseconds since 1970 UTC, durations microseconds, ids 16-byte blobs.

-- One small row a job, rewritten at each change of state; what does not change, or
-- is large, lies in tables of its own, joined by the row number `n`.
CREATE TABLE jobs (
  n               INTEGER PRIMARY KEY,
  id              BLOB    NOT NULL UNIQUE,
  tenant          TEXT    NOT NULL,
  type            TEXT    NOT NULL,
  queue           TEXT    NOT NULL,
  priority        INTEGER NOT NULL,
  state           INTEGER NOT NULL,
  revision        INTEGER NOT NULL,
  attempt         INTEGER NOT NULL,
  failed_attempts INTEGER NOT NULL,
  stop_cause      INTEGER NOT NULL,
  retried         INTEGER NOT NULL,
  claim_id        BLOB    NOT NULL,
  claim_answer    INTEGER NOT NULL,
  lease_id        BLOB    NOT NULL,
  worker          TEXT    NOT NULL,
  grace           INTEGER NOT NULL,
  attempt_timeout INTEGER NOT NULL,
  queue_position  INTEGER NOT NULL,
  queued_at       INTEGER,
  updated_at      INTEGER NOT NULL,
  run_at          INTEGER,
  started_at      INTEGER,
  ended_at        INTEGER,
  deadline_at     INTEGER,
  purge_at        INTEGER,
  wake_at         INTEGER,
  error           BLOB,
  result_type     TEXT,
  result_size     INTEGER
);

-- Lists, newest first (ids rise with time), by each single filter.
CREATE INDEX jobs_by_tenant ON jobs (tenant, id);
CREATE INDEX jobs_by_state ON jobs (tenant, state, id);
CREATE INDEX jobs_by_type ON jobs (tenant, type, id);
CREATE INDEX jobs_by_queue ON jobs (tenant, queue, id);
-- The wall clock's next task: due, deadline or purge.
CREATE INDEX jobs_by_wake ON jobs (wake_at) WHERE wake_at IS NOT NULL;
-- Leases that begin anew after a start (RUNNING = 3, CANCELLING = 4).
CREATE INDEX jobs_active ON jobs (state) WHERE state IN (3, 4);

-- What was submitted: the NewJob message less its payload, and the payload.
CREATE TABLE submissions (
  n       INTEGER PRIMARY KEY,
  spec    BLOB NOT NULL,
  payload BLOB NOT NULL
);

CREATE TABLE results (
  n            INTEGER PRIMARY KEY,
  content_type TEXT NOT NULL,
  body         BLOB NOT NULL
);

-- Newest progress of the newest attempt that reported any. `data` is the next
-- attempt's checkpoint.
CREATE TABLE progress (
  n        INTEGER PRIMARY KEY,
  attempt  INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  fraction REAL    NOT NULL,
  message  TEXT    NOT NULL,
  data     BLOB    NOT NULL,
  time     INTEGER NOT NULL
);

CREATE TABLE history (
  n        INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  time     INTEGER NOT NULL,
  state    INTEGER NOT NULL,
  attempt  INTEGER NOT NULL,
  cause    TEXT    NOT NULL,
  error    BLOB,
  PRIMARY KEY (n, revision)
) WITHOUT ROWID;

CREATE TABLE labels (
  tenant TEXT NOT NULL,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  id     BLOB NOT NULL,
  PRIMARY KEY (tenant, key, value, id)
) WITHOUT ROWID;

-- Exactly the jobs that are QUEUED, in the order to dispatch.
CREATE TABLE outbox (
  queue     TEXT    NOT NULL,
  priority  INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  id        BLOB    NOT NULL,
  type      TEXT    NOT NULL,
  queued_at INTEGER NOT NULL,
  PRIMARY KEY (queue, priority, position)
) WITHOUT ROWID;

-- `forget_at` is set when the job is deleted before its key is a day old.
CREATE TABLE idempotency_keys (
  tenant       TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  hash         BLOB    NOT NULL,
  hash_version INTEGER NOT NULL,
  id           BLOB    NOT NULL,
  forget_at    INTEGER,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_to_forget ON idempotency_keys (forget_at)
  WHERE forget_at IS NOT NULL;

-- Jobs by queue, tenant and state, kept in the same transactions.
CREATE TABLE counts (
  queue  TEXT    NOT NULL,
  tenant TEXT    NOT NULL,
  state  INTEGER NOT NULL,
  jobs   INTEGER NOT NULL,
  PRIMARY KEY (queue, tenant, state)
) WITHOUT ROWID;

CREATE TABLE types (
  type      TEXT    NOT NULL,
  queue     TEXT    NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (type, queue)
) WITHOUT ROWID;

CREATE TABLE paused_queues (
  queue TEXT PRIMARY KEY
) WITHOUT ROWID;
