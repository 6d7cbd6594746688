DELETE FROM truth_former
WHERE rowid IN (SELECT rowid FROM truth_former WHERE at < :cutoff LIMIT :limit);
