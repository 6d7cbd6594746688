-- Rows with truth, once each; and those whose truth replaced another.
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM truth_former AS f
    WHERE f.model = :model AND f.request_id = rows_once.request_id AND f.row = rows_once.row
))
FROM (
    SELECT DISTINCT p.request_id, p.row
    FROM prediction AS p
    JOIN truth AS t ON t.model = p.model AND t.request_id = p.request_id AND t.row = p.row
    WHERE p.model = :model AND p.version = :version AND p.arm = :arm AND p.at >= :start AND p.at < :end
) AS rows_once;
