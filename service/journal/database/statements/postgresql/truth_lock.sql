-- Who else corrects the same truth waits, so that each former one is kept once.
SELECT 1
FROM truth AS t
JOIN json_populate_recordset(NULL::truth, CAST(:batch AS json)) AS b USING (model, request_id, row)
ORDER BY request_id, row
FOR UPDATE OF t;
