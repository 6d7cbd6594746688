-- Each model, version and arm of these whole days, by a step through the index for each: rows are not read.
WITH RECURSIVE seen (model, version, arm) AS (
    (
        SELECT model, version, arm
        FROM prediction
        WHERE at >= :first_day AND at < :last_day
        ORDER BY model, version, arm
        LIMIT 1
    )
    UNION ALL
    SELECT following.model, following.version, following.arm
    FROM seen
    CROSS JOIN LATERAL (
        SELECT p.model, p.version, p.arm
        FROM prediction AS p
        WHERE p.at >= :first_day AND p.at < :last_day
            AND (p.model, p.version, p.arm) > (seen.model, seen.version, seen.arm)
        ORDER BY p.model, p.version, p.arm
        LIMIT 1
    ) AS following
)
SELECT model, version, arm FROM seen;
