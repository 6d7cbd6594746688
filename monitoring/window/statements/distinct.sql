-- A request that was sent again has two predictions of one row: it counts once, with its requests.
SELECT count(*), count(*) FILTER (WHERE row = 0)
FROM (
    SELECT DISTINCT request_id, row
    FROM prediction
    WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
) AS rows_once;
