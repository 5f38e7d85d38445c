-- One row a job, from its submit to its deletion: what no query looks at is packed into it
-- (StoredJob, StoredHistory). The jobs of before follow in steps of their own, see one_row.cc.
DROP INDEX jobs_by_tenant;
DROP INDEX jobs_by_state;
DROP INDEX jobs_by_type;
DROP INDEX jobs_by_queue;
DROP INDEX jobs_by_wake;
DROP INDEX jobs_active;
DROP INDEX jobs_retrying;
ALTER TABLE jobs RENAME TO old_jobs;
ALTER TABLE submissions RENAME TO old_submissions;
ALTER TABLE results RENAME TO old_results;
ALTER TABLE progress RENAME TO old_progress;
ALTER TABLE history RENAME TO old_history;
-- These are made anew from the jobs.
DROP TABLE labels;
DROP TABLE outbox;
DROP TABLE counts;

-- Every combination of tenant, type and queue that jobs have, by a number: the rows and indexes
-- of jobs name it in a byte or two.
CREATE TABLE kinds (
  kind   INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  type   TEXT NOT NULL,
  queue  TEXT NOT NULL,
  UNIQUE (tenant, type, queue)
);

-- Every queue's priority classes, in the same way.
CREATE TABLE lanes (
  lane     INTEGER PRIMARY KEY,
  queue    TEXT    NOT NULL,
  priority INTEGER NOT NULL,
  UNIQUE (queue, priority)
);

-- `row` is made of the id (row_number.h), so that rows lie in the order of ids, and a job is
-- found without another index.
CREATE TABLE jobs (
  row       INTEGER PRIMARY KEY,
  id        BLOB    NOT NULL,
  kind      INTEGER NOT NULL,
  state     INTEGER NOT NULL,
  lane      INTEGER NOT NULL,
  -- Its place in the lane, and since when it is ready; set exactly while it is QUEUED.
  position  INTEGER,
  queued_at INTEGER,
  -- When the wall clock next asks for it: due, deadline or purge.
  wake_at   INTEGER,
  -- 1 while it waits for a retry: such times follow a step of the wall clock.
  retrying  INTEGER,
  -- StoredJob and StoredHistory.
  record    BLOB    NOT NULL,
  history   BLOB    NOT NULL,
  -- The NewJob message less id and payload.
  spec      BLOB    NOT NULL,
  -- NULL: it is large, and lies in a table of its own.
  payload   BLOB,
  result    BLOB
);
-- The jobs to dispatch next.
CREATE INDEX jobs_in_lane ON jobs (lane, position) WHERE position IS NOT NULL;
-- Lists by any of tenant, type, queue and state: one walk for each kind and state that there is.
CREATE INDEX jobs_by_kind ON jobs (kind, state);
CREATE INDEX jobs_by_wake ON jobs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX jobs_retrying ON jobs (retrying) WHERE retrying IS NOT NULL;

CREATE TABLE payloads (
  row  INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

CREATE TABLE results (
  row  INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

-- The lines of history that have no room in the row, in pieces.
CREATE TABLE history (
  row           INTEGER NOT NULL,
  last_revision INTEGER NOT NULL,
  lines         INTEGER NOT NULL,
  packed        BLOB    NOT NULL,
  PRIMARY KEY (row, last_revision)
) WITHOUT ROWID;

-- Newest progress of the newest attempt that reported any. `data` is the next attempt's
-- checkpoint. A job's revision is the greater of this one and its row's.
CREATE TABLE progress (
  row      INTEGER PRIMARY KEY,
  attempt  INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  fraction REAL    NOT NULL,
  message  TEXT    NOT NULL,
  data     BLOB    NOT NULL,
  time     INTEGER NOT NULL
);

CREATE TABLE labels (
  tenant TEXT    NOT NULL,
  key    TEXT    NOT NULL,
  value  TEXT    NOT NULL,
  row    INTEGER NOT NULL,
  PRIMARY KEY (tenant, key, value, row)
) WITHOUT ROWID;

-- Jobs by kind and state, kept in the same transactions.
CREATE TABLE counts (
  kind  INTEGER NOT NULL,
  state INTEGER NOT NULL,
  jobs  INTEGER NOT NULL,
  PRIMARY KEY (kind, state)
) WITHOUT ROWID;
