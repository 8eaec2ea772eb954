"""Changes one thing of the construct library at a time, and sees whether a test fails: `make mutants`."""
