-- Keep what is about to be replaced.
INSERT INTO truth_former
SELECT model, request_id, row, t.at, t.received_at, t.value, CAST(:now AS timestamptz)
FROM truth AS t
JOIN json_populate_recordset(NULL::truth, CAST(:batch AS json)) AS b USING (model, request_id, row)
WHERE t.value <> b.value;
