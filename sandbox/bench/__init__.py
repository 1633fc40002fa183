"""Measurements on this machine against the sandbox, each as a ratio within one run; docs/benchmarks.md explains them."""
