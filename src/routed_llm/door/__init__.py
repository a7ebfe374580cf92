"""What every door shares: arguments that make a router, what a pool can do, what is told of a call. Knows no framework."""
