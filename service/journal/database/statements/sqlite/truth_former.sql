-- Keep what is about to be replaced.
INSERT INTO truth_former
SELECT model, request_id, row, at, received_at, value, :received_at
FROM truth
WHERE model = :model AND request_id = :request_id AND row = :row AND value <> :value;
