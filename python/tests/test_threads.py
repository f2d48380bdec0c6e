"""Tests that other threads go on while the library computes, and that calls wait for their turn."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import streamdiffusion_cpp as sd


def test_another_thread_goes_on_while_a_step_computes(model, image):
    """The callback of a step, which computes without the GIL, waits for a thread that has to run meanwhile."""
    counted = threading.Event()
    started = threading.Event()

    def count():
        started.wait(60)
        for _ in range(1000):
            pass
        counted.set()

    thread = threading.Thread(target=count)
    thread.start()
    stream = sd.Stream(model, width=256, height=256, steps=4, use_denoising_batch=False)
    started.set()
    while not counted.is_set():
        stream.step(np.zeros((256, 256, 3), np.uint8))
    thread.join()


def test_the_gil_is_released_during_a_single_call(model):
    """One call runs until another thread cancels it, which takes the GIL."""
    calls = []
    stream = sd.Stream(model, width=64, height=64, steps=50, strength=1, use_denoising_batch=False)
    results = []

    def cancel_when_it_runs():
        while not done.is_set():
            stream.cancel()
            calls.append(None)

    done = threading.Event()
    thread = threading.Thread(target=cancel_when_it_runs)
    thread.start()
    try:
        with pytest.raises(sd.Cancelled):
            for _ in range(1000):
                results.append(stream.generate_image())
    finally:
        done.set()
        thread.join()
    assert calls


def test_calls_of_several_threads_take_turns(model, image):
    streams = [sd.Stream(model, width=64, height=64, prompt=f"apple {i}", steps=1) for i in range(3)]
    expected = [stream.step(image) for stream in streams]
    wrong = []

    def run(stream, wanted):
        for _ in range(20):
            if not np.array_equal(stream.step(image), wanted):
                wrong.append(stream)
            stream.statistics  # noqa: B018

    threads = [threading.Thread(target=run, args=pair) for pair in zip(streams * 2, expected * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_stream_can_be_closed_while_another_thread_steps(model, image):
    stream = sd.Stream(model, width=64, height=64, steps=1)
    ended = []

    def run():
        with pytest.raises(sd.ArgumentError, match="closed"):
            while True:
                stream.step(image)
        ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    stream.close()
    thread.join()
    assert ended


def test_streams_are_dropped_while_another_one_steps(model, image):
    stepping = sd.Stream(model, width=64, height=64, steps=1)
    expected = stepping.step(image)
    stop = threading.Event()
    wrong = []

    def run():
        while not stop.is_set():
            if not np.array_equal(stepping.step(image), expected):
                wrong.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    for i in range(30):
        sd.Stream(model, width=64, height=64, steps=1, prompt=f"apple {i}")
    stop.set()
    thread.join()
    assert not wrong


def test_a_callback_may_drop_another_stream(model, image):
    others = [sd.Stream(model, width=64, height=64, steps=1)]
    stream = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: others.clear())
    expected = sd.Stream(model, width=64, height=64, steps=1).step(image)
    assert np.array_equal(stream.step(image), expected)
    assert not others


PROGRAM = """
import os, sys, threading, time
import streamdiffusion_cpp as sd
{before}

def tell_when_it_runs(thread):
    # This thread runs while the main one is inside of the function only if that has released the GIL.
    while sys._current_frames()[thread].f_code.co_name != {function!r}:
        time.sleep(0.001)
    print("ready", flush=True)

try:
    threading.Thread(target=tell_when_it_runs, args=[threading.get_ident()], daemon=True).start()
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(0)
print("not interrupted")
sys.exit(1)
"""


def interrupt(before, call, function):
    """Runs a program, sends it Ctrl-C once it is inside of a function of the package, and returns what it prints."""
    program = PROGRAM.format(before=before, call=call, function=function)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return output


@pytest.mark.parametrize("on_step", ["None", "lambda call, calls: True"])
def test_ctrl_c_stops_a_long_step(small_model_path, on_step):
    before = (
        f"model = sd.Model.load({str(small_model_path)!r}, device='cpu', vae='full')\n"
        "stream = sd.Stream(model, width=2048, height=1024, steps=50, strength=1, use_denoising_batch=False, "
        f"on_denoising_step={on_step})"
    )
    assert interrupt(before, "stream.generate_image()", "generate_image") == "interrupted\n"


def test_ctrl_c_stops_a_call_that_waits_for_its_turn(small_model_path):
    before = (
        f"model = sd.Model.load({str(small_model_path)!r}, device='cpu', vae='full')\n"
        "stream = sd.Stream(model, width=2048, height=1024, steps=50, strength=1, use_denoising_batch=False)\n"
        "other = sd.Stream(model, width=64, height=64, steps=1)\n"
        "threading.Thread(target=stream.generate_image, daemon=True).start()"
    )
    assert interrupt(before, "other.generate_image()", "generate_image") == "interrupted\n"


def test_ctrl_c_stops_waiting_for_a_frame(tmp_path):
    pipe = tmp_path / "frames.rgb"
    subprocess.run(["mkfifo", pipe], check=True)
    before = (
        f"writer = os.open({str(pipe)!r}, os.O_RDWR)\n"
        "os.write(writer, bytes(16 * 16 * 3))\n"
        f"source = sd.Source({str(pipe)!r}, format='rawvideo', capture_size=(16, 16), frame_rate=25)\n"
        "next(source)"
    )
    assert interrupt(before, "next(source)", "__next__") == "interrupted\n"


def test_ctrl_c_stops_loading(project):
    before = "options = {'device': 'cpu'}"
    call = "while True: sd.Model.load(**options)"
    assert interrupt(before, call, "load") == "interrupted\n"


def test_cancel_stops_a_call_that_waits_for_its_turn(model, image):
    """The stream that has the turn goes on until the waiting call has ended, so the test cannot pass by chance."""
    waiting = sd.Stream(model, width=64, height=64, steps=1)
    begun, ended = threading.Event(), threading.Event()
    busy = sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: begun.set() or ended.wait(60))
    codes = []

    def step():
        with pytest.raises(sd.Cancelled):
            waiting.step(image)
        codes.append("cancelled")
        ended.set()

    threads = [threading.Thread(target=busy.step, args=[image]), threading.Thread(target=step)]
    threads[0].start()
    begun.wait(60)
    threads[1].start()
    while not ended.wait(0.01):
        waiting.cancel()
    for thread in threads:
        thread.join()
    assert codes == ["cancelled"]
    assert waiting.step(image) is not None  # the next call is not cancelled


def test_a_callback_stops_a_call_by_a_false_of_numpy(model, image):
    for result in (False, np.False_):
        with pytest.raises(sd.Cancelled):
            sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: result).step(image)
    for result in (None, 0, True, np.True_):
        assert sd.Stream(model, width=64, height=64, steps=1, on_denoising_step=lambda *_: result).step(image) is not None
