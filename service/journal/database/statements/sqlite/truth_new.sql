INSERT INTO truth (model, request_id, row, at, received_at, value, label, number)
VALUES (:model, :request_id, :row, :at, :received_at, :value, :label, :number)
ON CONFLICT DO NOTHING;
