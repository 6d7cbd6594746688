"""Champion against challenger, until there is a verdict: worse, better, as good, or undecided with the rows it needs.

    confidence, differences, rare_events, sample_ratio, paired     the statistics, each with its proof
    comparisons, verdict                                           what is said of their numbers
    reading, stages, counters                                      the numbers, from the journal and the service
    looks                                                          one look after the other, and what each leaves

docs/experiments.md says how to read it, and what it cannot tell.
"""
