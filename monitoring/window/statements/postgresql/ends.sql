-- By one step into the index each.
SELECT
    (
        SELECT at
        FROM prediction
        WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
        ORDER BY at
        LIMIT 1
    ),
    (
        SELECT at
        FROM prediction
        WHERE model = :model AND version = :version AND arm = :arm AND at >= :start AND at < :end
        ORDER BY at DESC
        LIMIT 1
    );
