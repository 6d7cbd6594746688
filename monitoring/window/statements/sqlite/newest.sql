SELECT max(at) FROM prediction WHERE at >= :start;
