"""A TrainingResult and its card as the folder that the service takes: written whole, or not at all."""
