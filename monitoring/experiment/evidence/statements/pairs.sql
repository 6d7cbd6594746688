-- As units.sql, of rows that both arms answered: `gain` is by how much the challenger lost less, `apart` how far their
-- answers differ. A shadow predicts after the champion, so that its time is the later one.
SELECT
    subject,
    count(*) AS units,
    count(*) FILTER (WHERE truths > 0) AS known_units,
    sum(answers) AS answers,
    sum(apart) AS apart,
    sum(labels) AS labels,
    sum(truths) AS truths,
    sum(truths * truths) AS truths_truths,
    sum(gain) AS gain,
    sum(truths * gain) AS truths_gain,
    sum(gain * gain) AS gain_gain,
    sum(champion_loss) AS champion_loss,
    sum(challenger_loss) AS challenger_loss,
    sum(champion_wins) AS champion_wins,
    sum(challenger_wins) AS challenger_wins
FROM (
    SELECT
        subject,
        count(*) AS answers,
        sum(apart) AS apart,
        count(label) AS labels,
        count(champion_loss) AS truths,
        coalesce(sum(champion_loss - challenger_loss), 0.0) AS gain,
        coalesce(sum(champion_loss), 0.0) AS champion_loss,
        coalesce(sum(challenger_loss), 0.0) AS challenger_loss,
        count(CASE WHEN champion_loss < challenger_loss THEN 1 END) AS champion_wins,
        count(CASE WHEN champion_loss > challenger_loss THEN 1 END) AS challenger_wins
    FROM (
        SELECT
            a.request_id,
            a.row,
            max(a.subject) AS subject,
            max(a.label) AS label,
            avg(CASE
                WHEN a.label IS NULL THEN abs(a.number - b.number)
                WHEN a.label = b.label THEN 0.0
                ELSE 1.0
            END) AS apart,
            avg(CASE
                WHEN t.request_id IS NULL THEN NULL
                WHEN a.label IS NULL THEN abs(a.number - t.number)
                WHEN a.label = t.label THEN 0.0
                ELSE 1.0
            END) AS champion_loss,
            avg(CASE
                WHEN t.request_id IS NULL THEN NULL
                WHEN b.label IS NULL THEN abs(b.number - t.number)
                WHEN b.label = t.label THEN 0.0
                ELSE 1.0
            END) AS challenger_loss
        FROM prediction AS b
        JOIN prediction AS a ON a.request_id = b.request_id AND a.row = b.row
        LEFT JOIN truth AS t
            ON t.model = b.model AND t.request_id = b.request_id AND t.row = b.row AND t.at >= :before
        WHERE b.model = :model AND b.version = :challenger AND b.arm = 'challenger' AND b.at >= :start AND b.at < :end
            AND a.model = :model AND a.version = :champion AND a.arm = 'champion' AND a.at >= :before AND a.at < :end
            AND md5(coalesce(b.subject, b.request_id)) < :threshold
        GROUP BY a.request_id, a.row
    ) AS rows_once
    GROUP BY subject, CASE WHEN subject IS NULL THEN request_id END
) AS by_unit
GROUP BY subject;
