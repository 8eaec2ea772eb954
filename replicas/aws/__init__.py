"""Shared access to AWS: sessions, deployed endpoints, invocation, and messages for failed calls. Calls AWS."""
