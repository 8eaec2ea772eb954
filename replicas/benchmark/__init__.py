"""`replicas benchmark`: a closed loop of users against one component, measured, kept and shown."""
