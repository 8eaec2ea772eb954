"""Planning: a deployment becomes an endpoint plan in which every number is resolved and proven to fit."""
