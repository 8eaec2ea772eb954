"""Findings as sentences, in two vocabularies: the words of CloudFormation, and the words of a deployment."""
