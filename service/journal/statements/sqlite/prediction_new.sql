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
    latency_ms
)
VALUES (
    :prediction_id,
    :request_id,
    :row,
    :at,
    :model,
    :version,
    :release,
    :arm,
    :subject,
    :features,
    :prediction,
    :label,
    :number,
    :probabilities,
    :probability,
    :latency_ms
)
ON CONFLICT DO NOTHING;
