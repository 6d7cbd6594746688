-- Partitions, one a day (UTC), are made and dropped by the shipper. A partitioned table's key must hold the
-- partition key: `at` is part of the spooled record, so a prediction shipped twice meets itself all the same.
CREATE TABLE prediction (
    prediction_id text NOT NULL,
    request_id text NOT NULL,
    row integer NOT NULL,
    at timestamptz NOT NULL,
    model text NOT NULL,
    version text NOT NULL,
    release text NOT NULL,
    arm text NOT NULL,
    subject text,
    features jsonb NOT NULL,
    -- A label, a number, or an object of named outputs; the first two also stand in a column of their type.
    prediction jsonb,
    label text,
    number double precision,
    -- By class; `probability` is that of the predicted one.
    probabilities jsonb,
    probability double precision,
    latency_ms double precision NOT NULL,
    PRIMARY KEY (prediction_id, at)
) PARTITION BY RANGE (at);

CREATE INDEX prediction_model_at ON prediction (model, at);
CREATE INDEX prediction_request_id ON prediction (request_id);

-- Truth belongs to a row of a request, so to all its predictions: the champion's, a shadow's, and a retry's.
CREATE TABLE truth (
    model text NOT NULL,
    request_id text NOT NULL,
    row integer NOT NULL,
    -- When it was predicted.
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    value jsonb NOT NULL,
    label text,
    number double precision,
    PRIMARY KEY (model, request_id, row)
);

CREATE INDEX truth_model_at ON truth (model, at);

-- What was believed before it was corrected.
CREATE TABLE truth_former (
    model text NOT NULL,
    request_id text NOT NULL,
    row integer NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    value jsonb NOT NULL,
    replaced_at timestamptz NOT NULL
);

CREATE INDEX truth_former_key ON truth_former (model, request_id, row);
CREATE INDEX truth_former_at ON truth_former (at);
