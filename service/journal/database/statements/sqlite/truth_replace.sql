UPDATE truth AS t
SET value = b.value, label = b.label, number = b.number, received_at = b.received_at
FROM (
    SELECT
        json_extract(value, '$.model') AS model,
        json_extract(value, '$.request_id') AS request_id,
        json_extract(value, '$.row') AS row,
        json_extract(value, '$.at') AS at,
        json_extract(value, '$.received_at') AS received_at,
        json_extract(value, '$.value') AS value,
        json_extract(value, '$.label') AS label,
        json_extract(value, '$.number') AS number
    FROM json_each(:batch)
) AS b
WHERE t.model = b.model AND t.request_id = b.request_id AND t.row = b.row
    AND t.value <> b.value;
