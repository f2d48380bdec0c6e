#!/usr/bin/env bash
# safetensors writes the entries of __metadata__ in another order each time, so that equal content gives different files.
#
# Version:   safetensors 0.8.0, numpy 2.3.5, Python 3.11 on x86-64 Linux.
# Guess:     the same tensors and metadata give the same bytes: tensors are sorted before they are written, so metadata is, too.
# Behaviour: tensors are in a fixed order, metadata is in the random order of a hash map, which differs even within one process.
# Meets us:  a LoRA with training metadata that is saved twice has two SHA-256 hashes. Caches and download checks by hash, and
#            pages that find a LoRA by its hash, take them for two files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.3.5

"$folder/python/bin/python" - <<'END'
import hashlib
import json

import numpy as np
from safetensors.numpy import save

tensors = {name: np.zeros(4, dtype=np.float32) for name in ("up", "down", "alpha")}
metadata = {f"ss_setting_{i}": str(i) for i in range(12)}
files = [save(tensors, metadata=metadata) for _ in range(20)]
headers = [json.loads(file[8:8 + int.from_bytes(file[:8], "little")]) for file in files]
print(len({hashlib.sha256(file).hexdigest() for file in files}), "hashes of", len(files), "files of equal content")

assert all(header == headers[0] for header in headers)
assert len({tuple(key for key in header if key != "__metadata__") for header in headers}) == 1
assert len({tuple(header["__metadata__"]) for header in headers}) > 1
assert len({hashlib.sha256(file).hexdigest() for file in files}) > 1
END
echo "As described: the order of the metadata is random."
