-- `WHERE true` keeps ON CONFLICT from being read as a join's ON.
INSERT INTO truth
SELECT * FROM json_populate_recordset(NULL::truth, CAST(:batch AS json)) AS b
WHERE true
ON CONFLICT DO NOTHING;
