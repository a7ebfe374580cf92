"""How the deployments are: what is known of each, and asking those of whom nothing was heard for a while."""
