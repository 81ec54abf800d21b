"""A model package and a hip image in, a probability and a heat map out; ONNX Runtime, no torch."""
