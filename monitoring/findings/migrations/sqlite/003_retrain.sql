-- What became of alerts that asked for a retraining.
CREATE TABLE retrain (
    id integer PRIMARY KEY,
    model text NOT NULL,
    -- The version that answered as champion then: while it is still the same, retraining has changed nothing.
    version text NOT NULL,
    alerts text NOT NULL,
    -- Of the alerts as they were delivered; the same delivery again has the same.
    delivery text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    place text NOT NULL,
    asked_at text NOT NULL,
    settled_at text,
    -- Of one that waits: when Jenkins is asked again.
    next_at text,
    failures integer NOT NULL,
    deliveries integer NOT NULL
);

-- Of a model one waits at a time, whichever monitor took it.
CREATE UNIQUE INDEX retrain_waiting ON retrain (model) WHERE outcome = 'waiting';
CREATE INDEX retrain_asked ON retrain (model, asked_at);
