"""Healthy models and planted defects of benchmarks/verdicts.py: two lists that grow. A model that was judged
wrongly somewhere belongs to one of them."""
