-- What a server keeps about trouble: rows that do not decode, put aside with the reason.
-- `seq`, `kind`, `received_ns` and `payload` are those of a row of the inbox, which is not there any more. Of a segment,
-- which stays where it is, `seq` is the first write it stands for, `received_ns` when its last one was received.
CREATE TABLE IF NOT EXISTS damaged(
  seq INTEGER NOT NULL,
  kind INTEGER,
  received_ns INTEGER NOT NULL,
  payload BLOB,
  why TEXT NOT NULL,
  segment INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS damaged_segment ON damaged(segment) WHERE segment IS NOT NULL;

-- The programs that send records, and what became of what they sent. Bounded: the newest thousand. `document` is the JSON of
-- the public interface.
CREATE TABLE IF NOT EXISTS senders(
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  project TEXT NOT NULL,
  last_seen_ns INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY(address, agent, project)
);
