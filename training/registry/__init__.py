"""All talk with MLflow: runs, versions, promotion and rejection; and the exported set that comes of them.

scripts/ledger/champions.py writes the same aliases and promotions after a rollback (the import law keeps them apart).
"""
