"""Mutation testing of the construct library: changes one place at a time and checks that a test fails
(`make mutants`).
"""
