"""The networks a second time, as PyTorch modules written from the specifications alone: NCHW, inference, literal."""

import numpy as np
import torch


def load(module, arrays):
    """Give `module` every array of `arrays` under its own keys, in their precision; none may be missing or left over.

    Only the counts of batches, which inference never reads, may be absent.
    """
    tensors = {key: torch.from_numpy(np.array(array)) for key, array in arrays.items()}
    missing, unused = module.load_state_dict(tensors, strict=False, assign=True)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    assert not missing, f"missing {missing}"
    assert not unused, f"unused {unused}"
    return module.eval().requires_grad_(False)
