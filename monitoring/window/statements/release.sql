SELECT release
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
ORDER BY at DESC
LIMIT 1;
