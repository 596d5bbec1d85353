"""The libraries that `benchmarks/network.py` compares, each doing the same training steps."""
