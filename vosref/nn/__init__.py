"""Networks as plain functions of (weights, image): channels last, no autograd, no modules."""
