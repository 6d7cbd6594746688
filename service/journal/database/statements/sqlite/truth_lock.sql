-- The transaction is the only writer already.
SELECT 1;
