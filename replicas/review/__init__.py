"""What a change does, before it is merged: two revisions planned, forecast and synthesised, and compared. Offline."""
