"""The second stack: Jenkins, MLflow and a registry, with their secrets, images and backup.
It knows nothing of releases.
"""
