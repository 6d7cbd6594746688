"""Which arm of a model answers, what it predicts, and that the journal has it.

The direct lane is the way of a prediction before Flask; how bodies are read and written is handed in.
"""
