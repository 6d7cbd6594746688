-- Of a few of the challenger's requests in a stretch of time, how many the champion answered, too.
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM prediction AS a
    WHERE a.request_id = b.request_id AND a.model = :model AND a.version = :champion AND a.arm = 'champion'
        AND a.at >= :before AND a.at < :end
))
FROM (
    SELECT request_id
    FROM prediction
    WHERE model = :model AND version = :challenger AND arm = 'challenger' AND at >= :start AND at < :end
    ORDER BY at DESC
    LIMIT 200
) AS b;
