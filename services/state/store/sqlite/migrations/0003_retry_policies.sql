-- What the handler of the newest attempt has for the retries of its type's jobs: a RetryPolicy
-- message, and how many failed attempts end a job (0: it has none of its own).
ALTER TABLE jobs ADD COLUMN handler_retry BLOB;
ALTER TABLE jobs ADD COLUMN handler_max_attempts INTEGER NOT NULL DEFAULT 0;
-- Of a job that waits for a retry: from the failure to run_at.
ALTER TABLE jobs ADD COLUMN retry_delay INTEGER NOT NULL DEFAULT 0;
-- Those that wait already: the longest that they can have to, by the policy that all had.
UPDATE jobs SET retry_delay =
    max(grace, min(600000000, 1000000 * (1 << min(failed_attempts - 1, 20))))
  WHERE state = 1 AND failed_attempts > 0;
