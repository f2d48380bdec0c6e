#!/usr/bin/env bash
# safetensors writes a file that it cannot read itself where both tensors and metadata are empty.
#
# Version:   safetensors 0.8.0, numpy 2.3.5, Python 3.11 on x86-64 Linux.
# Guess:     no tensors and an empty dict of metadata give the same file as no tensors and no metadata.
# Behaviour: the header is the text {},"__metadata__":{}}, which is no JSON, and load() raises SafetensorError. The file
#            is right without a dict of metadata, with an entry in it, or with one tensor.
# Meets us:  a trainer that saves a network before it has any layers (LyCORIS 4.1.3 hands on an empty dict) reports success
#            and leaves a file that no reader can open.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.3.5

"$folder/python/bin/python" - <<'END'
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

file = save({}, metadata={})
print("the file:", file[8:])
assert file[8:].startswith(b'{},"__metadata__"')
try:
    load(file)
except SafetensorError as error:
    print("load() raises:", error)
else:
    raise AssertionError("load() reads it")

assert load(save({})) == {}
assert load(save({}, metadata={"format": "np"})) == {}
assert list(load(save({"a": np.zeros(1, dtype=np.float32)}, metadata={}))) == ["a"]
END
echo "As described: an empty file with empty metadata cannot be read back."
