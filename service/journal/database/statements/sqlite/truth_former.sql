-- Keep what is about to be replaced.
INSERT INTO truth_former
SELECT model, request_id, row, t.at, t.received_at, t.value, :now
FROM truth AS t
JOIN (
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
) AS b USING (model, request_id, row)
WHERE t.value <> b.value;
