"""``bench``: latency in the C++ runner."""
