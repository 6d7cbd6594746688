"""The journal's rows of one model, version and span of time, read as arrays of bounded size.

reader = JournalReader(url)                              # PostgreSQL or SQLite; read only
reader.arms(span)                                        # who predicted: {Arm: Count}
due_spans(length, since, watermark(now, lag))            # windows in time; reader.row_spans(...) for those in rows
reader.window(arm, span, contract, seed)                 # -> Window
reader.truth(window, contract)                           # -> TruthRows
changed_spans(spans, reader.truth_minutes(model, since, oldest))   # windows to judge again, for truth came
"""
