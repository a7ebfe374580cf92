"""What could answer: model cards, deployments, prices, and the immutable snapshot of them all."""
