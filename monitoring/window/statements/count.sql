-- By the index alone.
SELECT count(*), min(at), max(at)
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end;
