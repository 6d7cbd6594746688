UPDATE truth AS t
SET value = b.value, label = b.label, number = b.number, received_at = b.received_at
FROM json_populate_recordset(NULL::truth, CAST(:batch AS json)) AS b
WHERE t.model = b.model AND t.request_id = b.request_id AND t.row = b.row
    AND t.value <> b.value;
