"""Boosted trees as estimators of scikit-learn, and how these and forests become ONNX."""
