"""Checks of an account before a deployment: rights, quotas, images, names, and room beside what is live. Calls AWS."""
