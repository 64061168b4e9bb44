"""Finishing the stance model on pairs written for Verinote; needs torch and onnx, see README.md."""
