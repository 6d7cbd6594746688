-- Old replicas go on writing: they name no column that is new, and a `SELECT *` from a row of this table has it as null.
-- Rather tried again later than that every writer waits behind this for a long reader, such as a backup.
SET LOCAL lock_timeout = '2s';

-- The caller's trace, by its `traceparent`: 32 hexadecimal digits.
ALTER TABLE prediction ADD COLUMN trace_id text;

-- Of partitions to come at once. To build them for all that are there would keep replicas from writing for as long as a
-- large journal takes to read: `prediction_model_at` serves windows there, and no row from before has a trace.
CREATE INDEX prediction_window ON ONLY prediction (model, version, arm, at);
CREATE INDEX prediction_trace_id ON ONLY prediction (trace_id) WHERE trace_id IS NOT NULL;

-- The newest partitions have them too, as long as they are small: seconds of work at most.
DO '
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT name FROM (
            SELECT inhrelid::regclass AS name,
                sum(pg_relation_size(inhrelid)) OVER (ORDER BY inhrelid::regclass::text DESC) AS bytes
            FROM pg_inherits WHERE inhparent = ''prediction''::regclass
        ) AS newest WHERE bytes < 256 * 1024 * 1024
    LOOP
        EXECUTE format(''CREATE INDEX %I ON %s (model, version, arm, at)'', part.name || ''_window'', part.name);
        EXECUTE format(''ALTER INDEX prediction_window ATTACH PARTITION %I'', part.name || ''_window'');
        EXECUTE format(''CREATE INDEX %I ON %s (trace_id) WHERE trace_id IS NOT NULL'',
            part.name || ''_trace_id'', part.name);
        EXECUTE format(''ALTER INDEX prediction_trace_id ATTACH PARTITION %I'', part.name || ''_trace_id'');
    END LOOP;
END
';

-- What truth came since a window was judged. It comes in this order, so that a summary by range of pages does, and is
-- built at the speed of reading; where that is long, docs/monitoring.md says how it is made beside the writers.
DO '
BEGIN
    IF pg_relation_size(''truth'') < 2::bigint * 1024 * 1024 * 1024 THEN
        CREATE INDEX truth_received_at ON truth USING brin (received_at) WITH (pages_per_range = 32);
    END IF;
END
';
