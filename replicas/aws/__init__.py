"""Amazon Web Services: sessions, what is deployed, invocation, and what a refusal means. Calls AWS."""
