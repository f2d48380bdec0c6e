#!/usr/bin/env bash
# safetensors.numpy saves a transposed or strided array as other numbers, without an error.
#
# Version:   safetensors 0.8.0, numpy 2.3.5, Python 3.11 on x86-64 Linux.
# Guess:     save() writes the array's values in C order, as numpy's own tofile() does, or raises the error
#            about non-contiguous tensors that safetensors.torch raises.
# Behaviour: it writes as many bytes as the array has from the start of the memory that the array is a view of. The shape
#            is that of the view, so what load() returns has the right shape and dtype and other values.
# Meets us:  LoRA and checkpoint converters call safetensors.numpy on weights after `.T` (Linear against Conv1d layouts). Such a
#            file is valid, and no reader can tell that its numbers are wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.3.5

"$folder/python/bin/python" - <<'END'
import numpy as np
from safetensors.numpy import load, save

weights = np.arange(6, dtype=np.float32).reshape(2, 3)
transposed = weights.T
every_second = np.arange(12, dtype=np.float32)[::2]

saved = load(save({"transposed": transposed, "every_second": every_second}))
for name, array in (("transposed", transposed), ("every_second", every_second)):
    print(f"{name}: saved {array.tolist()}, loaded {saved[name].tolist()}")

# The behaviour seen; each line fails when it changes.
assert saved["transposed"].tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
assert saved["every_second"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
contiguous = load(save({"transposed": np.ascontiguousarray(transposed)}))
assert np.array_equal(contiguous["transposed"], transposed)
END
echo "As described: safetensors.numpy.save ignores strides."
