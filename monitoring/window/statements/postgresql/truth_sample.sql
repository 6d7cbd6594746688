-- As sample.sql, of rows whose truth is in. `received` is when the first truth of a row came, corrected since or not.
SELECT
    md5(p.request_id || ':' || p.row || ':' || CAST(:seed AS text)) COLLATE "C" AS hash,
    p.request_id,
    p.row,
    EXTRACT(EPOCH FROM p.at)::double precision AS at,
    p.features::text AS features,
    p.label,
    p.number,
    CASE WHEN p.label IS NULL AND substr(p.prediction::text, 1, 1) = '{' THEN p.prediction::text END AS prediction,
    p.probabilities::text AS probabilities,
    p.latency_ms,
    t.label AS truth_label,
    t.number AS truth_number,
    EXTRACT(EPOCH FROM least(t.received_at, (
        SELECT min(f.received_at)
        FROM truth_former AS f
        WHERE f.model = p.model AND f.request_id = p.request_id AND f.row = p.row
    )))::double precision AS received
FROM prediction AS p
JOIN truth AS t ON t.model = p.model AND t.request_id = p.request_id AND t.row = p.row
WHERE p.model = :model AND p.version = :version AND p.arm = :arm AND p.at >= :start AND p.at < :end
    AND md5(p.request_id || ':' || p.row || ':' || CAST(:seed AS text)) COLLATE "C" < :threshold
ORDER BY hash, at DESC
LIMIT :limit;
