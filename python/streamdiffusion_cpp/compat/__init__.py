"""The interface of StreamDiffusion 0.1.1, the Python original, on this engine.

A program of the original's runs when its import lines name this package:

=============================================================  =================================================================
the original                                                   this engine
=============================================================  =================================================================
``from utils.wrapper import StreamDiffusionWrapper``           ``from streamdiffusion_cpp.compat import StreamDiffusionWrapper``
``from streamdiffusion import StreamDiffusion``                ``from streamdiffusion_cpp.compat import StreamDiffusion``
``from streamdiffusion.image_utils import postprocess_image``  ``from streamdiffusion_cpp.compat.image_utils import ...``
=============================================================  =================================================================

docs/python-compat.md lists what differs. torch is imported only for results that are torch tensors.
"""

from streamdiffusion_cpp.compat.stream_diffusion import StreamDiffusion
from streamdiffusion_cpp.compat.wrapper import StreamDiffusionWrapper

__all__ = ["StreamDiffusion", "StreamDiffusionWrapper"]
