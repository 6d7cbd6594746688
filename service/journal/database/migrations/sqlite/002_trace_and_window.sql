-- The caller's trace, by its `traceparent`: 32 hexadecimal digits.
ALTER TABLE prediction ADD COLUMN trace_id text;

CREATE INDEX prediction_window ON prediction (model, version, arm, at);
CREATE INDEX prediction_trace_id ON prediction (trace_id) WHERE trace_id IS NOT NULL;

-- What truth came since a window was judged.
CREATE INDEX truth_received_at ON truth (received_at);
