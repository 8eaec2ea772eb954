"""Staging: the weights of one commit of a Hub repository into S3. Calls AWS and the Hub."""
