-- When the row was predicted that is the last of a window of so many; rows of one request have one time.
SELECT at
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
ORDER BY at
LIMIT 1 OFFSET :skip;
