"""Findings in sentences, in two vocabularies: that of CloudFormation, and that of a deployment."""
