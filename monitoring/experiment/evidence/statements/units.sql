-- Of one arm in one stretch of time, sums by subject over its rows: a row of a request counts once, however often it was
-- sent. Requests without a subject are units of their own; their sums, and those of their products, stand in one line.
SELECT
    subject,
    count(*) AS units,
    count(*) FILTER (WHERE truths > 0) AS known_units,
    sum(slow) AS slow_units,
    sum(answers) AS answers,
    sum(answers * answers) AS answers_answers,
    sum(answers * truths) AS answers_truths,
    sum(truths) AS truths,
    sum(truths * truths) AS truths_truths,
    sum(loss) AS loss,
    sum(truths * loss) AS truths_loss,
    sum(loss * loss) AS loss_loss,
    sum(labels) AS labels
FROM (
    SELECT
        subject,
        max(slow) AS slow,
        count(*) AS answers,
        count(loss) AS truths,
        coalesce(sum(loss), 0.0) AS loss,
        count(label) AS labels
    FROM (
        SELECT
            p.subject,
            p.request_id,
            p.row,
            max(p.label) AS label,
            max(CASE WHEN p.latency_ms > :slow_ms THEN 1 ELSE 0 END) AS slow,
            avg(CASE
                WHEN t.request_id IS NULL THEN NULL
                WHEN p.label IS NULL THEN abs(p.number - t.number)
                WHEN p.label = t.label THEN 0.0
                ELSE 1.0
            END) AS loss
        FROM prediction AS p
        LEFT JOIN truth AS t
            ON t.model = p.model AND t.request_id = p.request_id AND t.row = p.row AND t.at >= :start
        WHERE p.model = :model AND p.version = :version AND p.arm = :arm AND p.at >= :start AND p.at < :end
            AND md5(coalesce(p.subject, p.request_id)) < :threshold
        GROUP BY p.subject, p.request_id, p.row
    ) AS rows_once
    GROUP BY subject, CASE WHEN subject IS NULL THEN request_id END
) AS by_unit
GROUP BY subject;
