"""Journal in, alarms out: judges what the service predicted, and shows and exports what it makes of it.

`judge` judges one window; `schedule` runs it, `__main__` is what is typed.
"""
