-- The minutes of which truth came, or was corrected, since a time.
SELECT DISTINCT floor(EXTRACT(EPOCH FROM at) / 60)::bigint
FROM truth
WHERE model = :model AND received_at >= :since AND at >= :oldest;
