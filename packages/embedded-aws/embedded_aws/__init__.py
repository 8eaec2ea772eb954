"""An AWS emulator: moto, extended with inference components, serving copies and CloudFormation stack updates."""
