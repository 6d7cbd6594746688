-- `WHERE true` keeps ON CONFLICT from being read as a join's ON.
INSERT INTO truth
SELECT * FROM (
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
WHERE true
ON CONFLICT DO NOTHING;
