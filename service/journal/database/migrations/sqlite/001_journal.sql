-- Times are UTC, as text: 2026-01-31 08:00:00.000000.
CREATE TABLE prediction (
    prediction_id text NOT NULL PRIMARY KEY,
    request_id text NOT NULL,
    row integer NOT NULL,
    at text NOT NULL,
    model text NOT NULL,
    version text NOT NULL,
    release text NOT NULL,
    arm text NOT NULL,
    subject text,
    features text NOT NULL,
    -- A label, a number, or an object of named outputs; the first two also stand in a column of their type.
    prediction text,
    label text,
    number real,
    -- By class; `probability` is that of the predicted one.
    probabilities text,
    probability real,
    latency_ms real NOT NULL
);

CREATE INDEX prediction_model_at ON prediction (model, at);
CREATE INDEX prediction_request_id ON prediction (request_id);
CREATE INDEX prediction_at ON prediction (at);

-- Truth belongs to a row of a request, so to all its predictions: the champion's, a shadow's, and a retry's.
CREATE TABLE truth (
    model text NOT NULL,
    request_id text NOT NULL,
    row integer NOT NULL,
    -- When it was predicted.
    at text NOT NULL,
    received_at text NOT NULL,
    value text NOT NULL,
    label text,
    number real,
    PRIMARY KEY (model, request_id, row)
);

CREATE INDEX truth_model_at ON truth (model, at);

-- What was believed before it was corrected.
CREATE TABLE truth_former (
    model text NOT NULL,
    request_id text NOT NULL,
    row integer NOT NULL,
    at text NOT NULL,
    received_at text NOT NULL,
    value text NOT NULL,
    replaced_at text NOT NULL
);

CREATE INDEX truth_former_key ON truth_former (model, request_id, row);
CREATE INDEX truth_former_at ON truth_former (at);
