-- The newest rows that both arms answered, with what they were asked and, where it is in, the truth.
SELECT
    CAST(a.features AS text) AS features,
    a.label AS champion_label,
    b.label AS challenger_label,
    a.number AS champion_number,
    b.number AS challenger_number,
    t.label AS truth_label,
    t.number AS truth_number
FROM (
    SELECT model, request_id, row, label, number, at
    FROM prediction
    WHERE model = :model AND version = :challenger AND arm = 'challenger' AND at >= :start AND at < :end
    ORDER BY at DESC
    LIMIT :limit
) AS b
JOIN prediction AS a ON a.request_id = b.request_id AND a.row = b.row
LEFT JOIN truth AS t ON t.model = b.model AND t.request_id = b.request_id AND t.row = b.row
WHERE a.model = :model AND a.version = :champion AND a.arm = 'champion' AND a.at >= :before AND a.at < :end;
