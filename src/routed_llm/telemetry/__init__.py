"""What happened: the event bus, the ring of records, and sums of money."""
