-- Jobs that wait for a retry (SCHEDULED = 1): their times follow a step of the wall clock.
CREATE INDEX jobs_retrying ON jobs (run_at) WHERE state = 1 AND failed_attempts > 0;
