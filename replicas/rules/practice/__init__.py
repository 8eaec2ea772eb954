"""Rules of good practice for production: encryption, isolation, rights, alarms and tags.

To accept a finding, acknowledge it with `Validations.of(scope).acknowledge` in a CDK app, or with `Metadata` in any
template (`replicas.rules.acknowledgement`).
"""
