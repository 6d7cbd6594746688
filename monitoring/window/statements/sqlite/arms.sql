-- Each model, version and arm that there is.
SELECT DISTINCT model, version, arm FROM prediction;
