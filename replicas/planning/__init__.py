"""Planning: turns a deployment into an endpoint plan with all numbers resolved and proven to fit."""
