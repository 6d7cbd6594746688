"""How each protocol reads a body into a matrix, and writes a prediction: native and KServe V1, Open Inference, MLflow.

Each is an `InferenceProtocol` of `predict/direct`; `views/predictions` says at which paths.
"""
