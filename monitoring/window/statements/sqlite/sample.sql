-- The rows whose hash is least: the same at every run. A row that was predicted again comes with its newest first.
SELECT
    sample_hash(request_id, row, :seed) AS hash,
    request_id,
    row,
    at,
    features,
    label,
    number,
    CASE WHEN label IS NULL AND substr(prediction, 1, 1) = '{' THEN prediction END AS prediction,
    probabilities,
    latency_ms
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
    AND sample_hash(request_id, row, :seed) < :threshold
ORDER BY hash, at DESC
LIMIT :limit;
