-- Rows of traces are found through sorted runs instead of one index over all ids, whose pages were written again for
-- every few traces. Segments may hold strings as templates, and events in columns of their own.

DROP INDEX IF EXISTS traces_key;
-- Ids that are text are few, come in order as a rule, and are looked up by any beginning.
CREATE UNIQUE INDEX traces_text ON traces(trace_id) WHERE typeof(trace_id) = 'text';

-- `key` is made of the id of a trace, `row` is the row it had in `traces` then. Newest ones, not in a run yet.
CREATE TABLE trace_recent(
  key INTEGER NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY(key, row)) WITHOUT ROWID;

-- Eight runs of a level become one of the next. `filter` says which keys a run does not have.
CREATE TABLE trace_runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  level INTEGER NOT NULL,
  last_row INTEGER NOT NULL,
  filter BLOB NOT NULL);

-- Names of services, root spans and workflows, which rows of traces have by number; how often, says `uses`.
CREATE TABLE IF NOT EXISTS words(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL);

-- A run in pieces of about a page, sorted: `first` is the least key of a piece.
CREATE TABLE trace_pieces(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  first INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE INDEX trace_pieces_key ON trace_pieces(run, first);
