"""Models as files that others run: ONNX, and C without dependencies."""
