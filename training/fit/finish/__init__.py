"""What is learnt after the search: calibration, threshold, the ends of intervals; and transformed targets."""
