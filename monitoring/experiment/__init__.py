"""Champion against challenger, until there is a verdict: worse, better, as good, or undecided with the rows it needs.

    statistics/    intervals and tests that hold however often one looks, each with its proof
    evidence/      what both arms did: from the journal, and from the counters of the service
    looks          one look after the other, and what each leaves to the next; `judgement` is one of them
    comparisons, checks, verdict    what is said of the numbers

docs/experiments.md says how to read it, and what it cannot tell.
"""
