"""The embedded AWS: moto, extended with inference components, serving copies and CloudFormation's updates."""
