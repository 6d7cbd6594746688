DELETE FROM truth
WHERE rowid IN (SELECT rowid FROM truth WHERE at < :cutoff LIMIT :limit);
