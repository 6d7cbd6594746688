-- Of the last days only: else a journal without a row would be read through.
SELECT max(at) FROM prediction WHERE at >= :start;
