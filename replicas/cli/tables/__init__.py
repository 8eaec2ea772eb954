"""Tables and JSON documents that the commands print."""
