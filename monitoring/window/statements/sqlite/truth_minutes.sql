-- The minutes of which truth came, or was corrected, since a time.
SELECT DISTINCT CAST(strftime('%s', at) AS integer) / 60
FROM truth
WHERE model = :model AND received_at >= :since AND at >= :oldest;
