-- As sample.sql, of rows whose truth is in. `received` is when the first truth of a row came, corrected since or not.
SELECT
    sample_hash(p.request_id, p.row, :seed) AS hash,
    p.request_id,
    p.row,
    p.at,
    p.features,
    p.label,
    p.number,
    CASE WHEN p.label IS NULL AND substr(p.prediction, 1, 1) = '{' THEN p.prediction END AS prediction,
    p.probabilities,
    p.latency_ms,
    t.label AS truth_label,
    t.number AS truth_number,
    coalesce((
        SELECT min(f.received_at)
        FROM truth_former AS f
        WHERE f.model = p.model AND f.request_id = p.request_id AND f.row = p.row
    ), t.received_at) AS received
FROM prediction AS p
JOIN truth AS t ON t.model = p.model AND t.request_id = p.request_id AND t.row = p.row
WHERE p.model = :model AND p.version = :version AND p.arm = :arm AND p.at >= :start AND p.at < :end
    AND sample_hash(p.request_id, p.row, :seed) < :threshold
ORDER BY hash, p.at DESC
LIMIT :limit;
