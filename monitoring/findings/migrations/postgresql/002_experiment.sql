-- A champion and a challenger under traffic: one row for each pair of versions.
CREATE TABLE monitor.experiment (
    model text NOT NULL,
    champion text NOT NULL,
    challenger text NOT NULL,
    started_at timestamptz NOT NULL,
    judged_at timestamptz NOT NULL,
    -- When another pair was served, or no challenger any more.
    ended_at timestamptz,
    verdict text NOT NULL,
    -- When the verdict was first given that stands.
    decided_at timestamptz,
    -- What is shown of it, and what the next look goes on from.
    document jsonb NOT NULL,
    memory jsonb NOT NULL,
    PRIMARY KEY (model, champion, challenger)
);
