-- When the rows of requests were predicted, for those that were.
SELECT request_id, row, max(at)
FROM prediction
WHERE model = :model AND (request_id, row) IN (
    SELECT request_id, row
    FROM json_to_recordset(CAST(:keys AS json)) AS k (request_id text, row integer)
)
GROUP BY request_id, row;
