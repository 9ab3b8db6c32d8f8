"""Benchmarks: each prints JSON lines; `make bench` runs those of the README."""
