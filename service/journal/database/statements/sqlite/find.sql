-- When the rows of requests were predicted, for those that were.
SELECT request_id, row, max(at)
FROM prediction
WHERE model = :model AND (request_id, row) IN (
    SELECT json_extract(value, '$.request_id'), json_extract(value, '$.row')
    FROM json_each(:keys)
)
GROUP BY request_id, row;
