"""A model trained elsewhere, as ONNX: read with suspicion, held against the contract, in the form that serves."""
