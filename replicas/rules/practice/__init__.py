"""Rules of good practice for production: encryption, isolation, rights, alarms, tags.

A deliberate exception to a rule is acknowledged: in a CDK app by `Validations.of(scope).acknowledge`, in any template
by `Metadata` (`replicas.rules.acknowledgement`).
"""
