-- Records: those that wait, those that are sealed, and the sum of each trace.

CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES ('traces', 0), ('failed', 0), ('spans', 0), ('errors', 0);

-- Accepted writes in commit order, each with the folds of its traces. The durable truth until they are sealed.
CREATE TABLE inbox(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  count INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  min_start_ns INTEGER NOT NULL,
  max_end_ns INTEGER NOT NULL,
  folds BLOB NOT NULL,
  payload BLOB NOT NULL);

-- Sealed records: sorted by trace, split into columns. `first_seq` to `last_seq` is the part of the commit order a
-- segment stands for; `arrivals` says which record came with which write, and when.
CREATE TABLE segments(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  min_received_ns INTEGER NOT NULL,
  max_received_ns INTEGER NOT NULL,
  min_start_ns INTEGER NOT NULL,
  max_start_ns INTEGER NOT NULL,
  services TEXT NOT NULL,
  blocks BLOB NOT NULL,
  trace_filter BLOB NOT NULL,
  arrivals BLOB NOT NULL);
CREATE INDEX segments_seq ON segments(kind, first_seq, last_seq, rows);
CREATE INDEX segments_time ON segments(kind, min_start_ns, max_start_ns);

CREATE TABLE segment_columns(
  id INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  name TEXT NOT NULL,
  data BLOB NOT NULL);
CREATE UNIQUE INDEX segment_columns_key ON segment_columns(segment, name);

-- One row per trace with sealed records: the fold of exactly those. Times past 2262 are clamped here, exact in `fold`.
CREATE TABLE traces(
  id INTEGER PRIMARY KEY,
  trace_id NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  spans INTEGER NOT NULL,
  checkpoints INTEGER NOT NULL,
  logs INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  fold BLOB NOT NULL);
CREATE UNIQUE INDEX traces_key ON traces(trace_id);
CREATE INDEX traces_start ON traces(start_ns);
