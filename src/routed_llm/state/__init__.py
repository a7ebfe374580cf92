"""Live numbers of deployments."""
