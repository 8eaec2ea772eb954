"""What is done with a deployed endpoint: chat, benchmark, status, teardown, doctor. Calls AWS."""
