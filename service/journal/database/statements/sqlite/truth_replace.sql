UPDATE truth
SET value = :value, label = :label, number = :number, received_at = :received_at
WHERE model = :model AND request_id = :request_id AND row = :row AND value <> :value;
