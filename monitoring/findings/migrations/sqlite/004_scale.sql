-- How many replicas of the model service the load needed, as it was measured last: one row.
CREATE TABLE capacity (
    id integer PRIMARY KEY CHECK (id = 1),
    measured_at text NOT NULL,
    -- Cores that all replicas together used in the busiest five minutes of the last day, and that one of them may use.
    busiest real NOT NULL,
    cores real NOT NULL,
    ordered integer NOT NULL,
    needed integer NOT NULL,
    unbounded integer NOT NULL
);

-- Changes of the number of replicas that the monitor asked Jenkins for.
CREATE TABLE scaling (
    id integer PRIMARY KEY,
    first integer NOT NULL,
    last integer NOT NULL,
    why text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    place text NOT NULL,
    asked_at text NOT NULL,
    settled_at text,
    -- Of one that waits: when Jenkins is asked again.
    next_at text,
    failures integer NOT NULL
);

-- One waits at a time, whichever monitor decided.
CREATE UNIQUE INDEX scaling_waiting ON scaling (outcome) WHERE outcome = 'waiting';
CREATE INDEX scaling_asked ON scaling (asked_at);
