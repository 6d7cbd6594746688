-- A champion and a challenger under traffic: one row for each pair of versions.
CREATE TABLE experiment (
    model text NOT NULL,
    champion text NOT NULL,
    challenger text NOT NULL,
    started_at text NOT NULL,
    judged_at text NOT NULL,
    -- When another pair was served, or no challenger any more.
    ended_at text,
    verdict text NOT NULL,
    -- When the verdict was first given that stands.
    decided_at text,
    -- What is shown of it, and what the next look goes on from.
    document text NOT NULL,
    memory text NOT NULL,
    PRIMARY KEY (model, champion, challenger)
);
