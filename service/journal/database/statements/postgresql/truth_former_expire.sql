DELETE FROM truth_former
WHERE ctid IN (SELECT ctid FROM truth_former WHERE at < :cutoff LIMIT :limit);
