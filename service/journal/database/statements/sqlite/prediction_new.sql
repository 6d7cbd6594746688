-- Places in the order of `decoding.Row`.
INSERT INTO prediction (
    prediction_id,
    request_id,
    row,
    at,
    model,
    version,
    release,
    arm,
    subject,
    features,
    prediction,
    label,
    number,
    probabilities,
    probability,
    latency_ms,
    trace_id
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;
