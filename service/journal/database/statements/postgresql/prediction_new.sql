-- The whole batch is one parameter: one parse, one round trip. `SELECT *` makes releases and tables that are a migration
-- apart fit each other.
INSERT INTO prediction
SELECT * FROM json_populate_recordset(NULL::prediction, CAST(:batch AS json))
ON CONFLICT DO NOTHING;
