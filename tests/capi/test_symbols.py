"""Checks that the shared library exports the functions of the C header and nothing else: test_symbols.py HEADER LIBRARY"""

import re
import subprocess
import sys

header, library = sys.argv[1:]
with open(header) as file:
    text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
declared = set(re.findall(r"SD_API[^;]*?\b(sd_\w+)\(", text))
lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
exported = {line.split()[-1] for line in lines.splitlines()}
assert declared, "the header declares no function"
assert exported == declared, f"exported but not declared: {exported - declared}; not exported: {declared - exported}"
