DELETE FROM truth
WHERE ctid IN (SELECT ctid FROM truth WHERE at < :cutoff LIMIT :limit);
