"""The papers' training, in PyTorch (extra ``train``): networks with gradients, samples, losses, the loop."""
