"""What one version of a model is: its contract, its encoder, its engine, and the folder that holds them.

Training, scoring and monitoring may import from here, and from no other room of the service.
"""
