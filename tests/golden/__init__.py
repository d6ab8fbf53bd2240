"""Numbers that PyTorch twins gave once, and what it takes to compute them again without PyTorch."""
