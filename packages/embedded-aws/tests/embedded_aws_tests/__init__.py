"""Tests of the embedded AWS. The package's name is its own, so that they run beside another suite's `tests`."""
