-- By a step into the index for each model: no index begins with the time, so that its greatest is read of all a day's rows.
WITH RECURSIVE seen (model) AS (
    (
        SELECT model
        FROM prediction
        WHERE at >= :first_day
        ORDER BY model
        LIMIT 1
    )
    UNION ALL
    SELECT following.model
    FROM seen
    CROSS JOIN LATERAL (
        SELECT p.model
        FROM prediction AS p
        WHERE p.at >= :first_day AND p.model > seen.model
        ORDER BY p.model
        LIMIT 1
    ) AS following
)
SELECT max(last.at)
FROM seen
CROSS JOIN LATERAL (
    SELECT p.at
    FROM prediction AS p
    WHERE p.model = seen.model AND p.at >= :start
    ORDER BY p.at DESC
    LIMIT 1
) AS last;
