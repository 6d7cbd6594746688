"""A model trained elsewhere, as ONNX: read with suspicion, held against the contract, brought into the form that serves."""
