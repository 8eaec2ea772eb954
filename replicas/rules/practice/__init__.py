"""Rules of practice: is a working template ready for traffic? Encryption, isolation, rights, alarms.

A deliberate exception to a rule is acknowledged: in a CDK app by `Validations.of(scope).acknowledge`, in any template
by `Metadata` (`replicas.rules.acknowledgement`).
"""
