-- Issues and keys. Both outlive the records: nothing here refers to a row of the tables above. `issue` in the tables
-- below is the rowid of an issue.

-- `issue_id` are the 8 bytes of its id. Times are of the events' clocks but for those named otherwise.
CREATE TABLE issues(
  id INTEGER PRIMARY KEY,
  issue_id BLOB NOT NULL UNIQUE,
  project TEXT NOT NULL,
  service TEXT NOT NULL,
  status INTEGER NOT NULL,
  is_regressed INTEGER NOT NULL,
  -- When the status last changed, by our clock.
  changed_ns INTEGER NOT NULL,
  error_type TEXT,
  -- Of the first event; the pattern takes its place in the title when a later one says something else.
  message TEXT NOT NULL,
  pattern TEXT NOT NULL,
  messages_differ INTEGER NOT NULL,
  culprit TEXT,
  -- A sorted JSON array.
  environments TEXT NOT NULL,
  first_ns INTEGER NOT NULL,
  last_ns INTEGER NOT NULL,
  events INTEGER NOT NULL,
  traces INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  -- When it was made and when its last event was received, by our clock.
  created_ns INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  -- Hour of the stack trace in `issue_stacks`; NULL without one.
  stack_hour_ns INTEGER);
CREATE INDEX issues_created ON issues(created_ns, project);

-- Which issue an event belongs to: `grouping` is the id its own fingerprint would give an issue.
CREATE TABLE issue_fingerprints(
  grouping BLOB PRIMARY KEY,
  issue INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  -- What it was made of, JSON.
  why TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX issue_fingerprints_issue ON issue_fingerprints(issue);

-- Events by the hour of their own clocks.
CREATE TABLE issue_counts(
  issue INTEGER NOT NULL,
  hour_ns INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(issue, hour_ns)) WITHOUT ROWID;

-- The traces an issue was seen in: hashes of all of them or a sketch of very many, and the newest, JSON, while their
-- records may be there; when the first of those was received, by our clock, to an hour.
CREATE TABLE issue_traces(
  issue INTEGER PRIMARY KEY,
  counted BLOB NOT NULL,
  samples TEXT NOT NULL,
  oldest_ns INTEGER);

-- The stack trace of a recent event.
CREATE TABLE issue_stacks(issue INTEGER PRIMARY KEY, stack_trace TEXT NOT NULL);

CREATE TABLE issue_history(
  id INTEGER PRIMARY KEY,
  issue INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  status INTEGER NOT NULL,
  by_event INTEGER NOT NULL);
CREATE INDEX issue_history_issue ON issue_history(issue);

CREATE TABLE keys(
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  last_used_ns INTEGER,
  revoked_ns INTEGER) WITHOUT ROWID;
