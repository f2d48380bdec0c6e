"""Tests that a program ends as it means to while threads use the package, and that a forked process is told what it cannot use."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, threading, time
import numpy as np
import streamdiffusion_cpp as sd

model = sd.Model.load({model!r}, device="cpu", vae="full", threads=2)
image = np.zeros((64, 64, 3), np.uint8)
started = threading.Event()

def repeat(call):
    while True:
        call()

def begin(*calls):
    for call in calls:
        threading.Thread(target=repeat, args=[call], daemon=True).start()

{program}
"""


def run(model, program, arguments=()):
    """Runs a program. Returns its exit status and what it printed."""
    text = PROGRAM.format(model=str(model), program=program)
    result = subprocess.run([sys.executable, "-c", text, *map(str, arguments)], capture_output=True, text=True, timeout=100)
    return result.returncode, result.stdout + result.stderr


CALLS = {
    "computes": "begin(sd.Stream(model, width=256, height=256, steps=4, use_denoising_batch=False).generate_image)",
    "calls back": "begin(sd.Stream(model, width=64, height=64, steps=50, strength=1, use_denoising_batch=False, "
    "on_denoising_step=lambda call, calls: started.set()).generate_image); started.wait()",
    "waits for its turn": "begin(*[sd.Stream(model, width=256, height=256, steps=1).generate_image for _ in range(3)])",
    "loads": "begin(lambda: sd.Model.load(device='cpu'))",
    "reads images": "sd.write_image(sys.argv[1], image); begin(lambda: sd.read_image(sys.argv[1]))",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_program_ends_while_a_thread(call, small_model_path, tmp_path):
    program = f"{CALLS[call]}\ntime.sleep(0.2)\nprint('ends')"
    assert run(small_model_path, program, [tmp_path / "image.png"]) == (0, "ends\n")


def test_a_program_ends_while_a_thread_waits_for_a_frame(small_model_path, tmp_path):
    os.mkfifo(tmp_path / "frames.rgb")
    program = """
writer = os.open(sys.argv[1], os.O_RDWR)
os.write(writer, bytes(16 * 16 * 3))
source = sd.Source(sys.argv[1], format="rawvideo", capture_size=(16, 16), frame_rate=25)
next(source)
begin(lambda: next(source))
time.sleep(0.2)
print("ends")
"""
    assert run(small_model_path, program, [tmp_path / "frames.rgb"]) == (0, "ends\n")


def test_the_main_thread_calls_while_the_program_ends(small_model_path):
    program = """
stream = sd.Stream(model, width=64, height=64, steps=1)
class Last:
    def __del__(self, stream=stream):
        print(stream.statistics.steps)
last = Last()
"""
    assert run(small_model_path, program) == (0, "0\n")


FORK = """
stream = sd.Stream(model, width=64, height=64, steps=1)
expected = stream.step(image)
source = sd.Source(sys.argv[1])
process = os.fork()
if process == 0:
    {child}
    sys.stdout.flush()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
assert np.array_equal(stream.step(image), expected)
sys.exit(status)
"""


def run_in_fork(child, model, project):
    return run(model, FORK.format(child="\n    ".join(child)), [project / "examples" / "demo.mp4"])


@pytest.mark.parametrize(
    "call",
    ["stream.step(image)", "stream.update(prompt='cat')", "stream.statistics", "sd.Stream(model)", "model.encode_prompt('a')", "next(source)"],
)
def test_a_forked_process_is_told_that_it_cannot_use(call, small_model_path, project):
    child = ["try:", f"    {call}", "except sd.ArgumentError as error:", "    print(error)"]
    status, output = run_in_fork(child, small_model_path, project)
    assert status == 0
    assert "forked" in output and '"spawn"' in output


def test_a_forked_process_drops_what_it_cannot_use(small_model_path, project):
    child = ["import gc", "del stream, model, source", "gc.collect()", "print('dropped')"]
    assert run_in_fork(child, small_model_path, project) == (0, "dropped\n")


def test_a_process_that_is_forked_while_a_thread_computes_does_not_wait(small_model_path, project):
    child = ["try:", "    stream.statistics", "except sd.ArgumentError:", "    print('refused')"]
    program = FORK.format(child="\n    ".join(child)).replace(
        "process = os.fork()", "begin(sd.Stream(model, width=256, height=256, steps=1).generate_image)\ntime.sleep(0.2)\nprocess = os.fork()"
    )
    assert run(small_model_path, program, [project / "examples" / "demo.mp4"]) == (0, "refused\n")


def test_a_forked_process_uses_a_model_of_its_own(small_model_path, project):
    child = [
        f"own = sd.Stream(sd.Model.load({str(small_model_path)!r}, device='cpu', vae='full'), width=64, height=64, steps=1)",
        "print(np.array_equal(own.step(image), expected))",
    ]
    assert run_in_fork(child, small_model_path, project) == (0, "True\n")
