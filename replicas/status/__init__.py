"""What is deployed, whether it answers, and how it differs from its template. Calls AWS."""
