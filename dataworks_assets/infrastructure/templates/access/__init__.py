"""What the roles of the platform may do, statement by statement, each with its reason."""
