DELETE FROM prediction
WHERE rowid IN (SELECT rowid FROM prediction WHERE at < :cutoff LIMIT :limit);
