-- When a checkpoint of a trace was last received, whole unix seconds. Traces of spans alone are not in the index.

ALTER TABLE traces ADD COLUMN received_s INTEGER NOT NULL DEFAULT 0;
CREATE INDEX traces_received ON traces(received_s, errors) WHERE received_s > 0;
