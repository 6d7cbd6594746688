-- How many rows the planner expects: it looks at statistics alone.
EXPLAIN (FORMAT JSON)
SELECT at
FROM prediction
WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end;
