-- Times are UTC, as text: 2026-01-31 08:00:00.000000.
CREATE TABLE judged_window (
    id integer PRIMARY KEY,
    model text NOT NULL,
    version text NOT NULL,
    arm text NOT NULL,
    -- Half-open, in UTC.
    start_at text NOT NULL,
    end_at text NOT NULL,
    rows integer NOT NULL,
    sampled integer NOT NULL,
    predictions integer NOT NULL,
    first_at text,
    last_at text,
    watermark text NOT NULL,
    seed integer NOT NULL,
    judged_at text NOT NULL,
    traffic_share real,
    release text NOT NULL,
    -- When more was known of it than what it was judged by: it is to be judged again.
    late_at text,
    -- The `judged_at` that these places were sent; another one is still to be sent.
    sent_mlflow text,
    sent_elastic text,
    UNIQUE (model, version, arm, start_at)
);

CREATE INDEX judged_window_model_start ON judged_window (model, start_at);

CREATE TABLE finding (
    window_id integer NOT NULL REFERENCES judged_window (id) ON DELETE CASCADE,
    -- In the order in which they were said.
    place integer NOT NULL,
    kind text NOT NULL,
    column_name text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    value real,
    low real,
    high real,
    bound real,
    visible real,
    rows integer NOT NULL,
    details text NOT NULL,
    PRIMARY KEY (window_id, place)
);

CREATE TABLE alarm (
    id integer PRIMARY KEY,
    model text NOT NULL,
    version text NOT NULL,
    arm text NOT NULL,
    kind text NOT NULL,
    column_name text NOT NULL,
    raised_at text NOT NULL,
    resolved_at text,
    window_start text NOT NULL,
    reason text NOT NULL,
    value real,
    -- The finding as it was when it raised the alarm: later truth does not change it.
    evidence text
);

-- Of one thing one alarm stands at a time, whoever raises it.
CREATE UNIQUE INDEX alarm_standing ON alarm (model, version, arm, kind, column_name)
    WHERE resolved_at IS NULL;
CREATE INDEX alarm_raised ON alarm (raised_at);

CREATE TABLE source_state (
    source text PRIMARY KEY,
    up integer NOT NULL,
    -- When it last came up or went down.
    since text NOT NULL,
    checked_at text NOT NULL,
    reason text NOT NULL,
    -- Of the clock, the seconds that it is ahead.
    value real
);

CREATE TABLE success (
    model text PRIMARY KEY,
    at text NOT NULL
);

-- Up to when the truth of a model was looked through for windows that are to be judged again.
CREATE TABLE truth_seen (
    model text PRIMARY KEY,
    at text NOT NULL
);
