"""Shared access to AWS: sessions, deployed endpoints, invocation, and explanations of failed calls. Calls AWS."""
