-- The rows whose hash is least: the same at every run. A row that was predicted again comes with its newest first.
SELECT
    md5(request_id || ':' || row || ':' || CAST(:seed AS text)) COLLATE "C" AS hash,
    request_id,
    row,
    EXTRACT(EPOCH FROM at)::double precision AS at,
    features::text AS features,
    label,
    number,
    CASE WHEN label IS NULL AND substr(prediction::text, 1, 1) = '{' THEN prediction::text END AS prediction,
    probabilities::text AS probabilities,
    latency_ms
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
    AND md5(request_id || ':' || row || ':' || CAST(:seed AS text)) COLLATE "C" < :threshold
ORDER BY hash, at DESC
LIMIT :limit;
