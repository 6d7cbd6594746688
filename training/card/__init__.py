"""The model card: a TrainingResult as one HTML file that loads nothing, with its plots.

`plots.draw` draws them once, for the card and for MLflow; `page.render` makes the page.
"""
