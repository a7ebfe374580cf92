"""Who should answer: ``decide`` over filters, scorers and selectors. Read ``shapes``, then one neighbour, then ``decide``."""
