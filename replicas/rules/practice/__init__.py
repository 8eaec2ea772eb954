"""Practice: not whether a template works, but whether it may carry traffic. Encryption, isolation, rights, alarms.

A rule that is broken with reason is acknowledged: in a CDK app by `Validations.of(scope).acknowledge`, in any template
by `Metadata` (`replicas.rules.acknowledgement`).
"""
