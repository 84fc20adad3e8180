-- What a server keeps about trouble: rows that do not decode, put aside with the reason.

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
