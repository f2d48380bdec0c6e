"""Random calls with random arguments: each one works or raises an error of the package, and the stream goes on."""

import threading

import numpy as np
import pytest
import streamdiffusion_cpp as sd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DTYPES = ["u1", "i1", "i4", "f2", "f4", ">f4", "f8", "c8", "?", "O", "S3"]
SIDES = st.sampled_from([0, 1, 3, 4, 8, 63, 64, 65])


@st.composite
def arrays(draw):
    """Arrays of any type, shape and order of values, most of which no stream takes."""
    right = draw(st.booleans())
    shape = (64, 64, draw(st.sampled_from([3, 4]))) if right else tuple(draw(st.lists(SIDES, max_size=4)))
    dtype = draw(st.sampled_from(["u1", "f4"] if right else DTYPES))
    array = np.zeros(tuple(2 * side for side in shape), dtype)
    steps = tuple(slice(None, None, 2) if draw(st.booleans()) else slice(None, None, -2) for _ in shape)
    view = np.asarray(array[steps])
    if draw(st.booleans()):
        view = np.ascontiguousarray(view)
    if draw(st.booleans()):
        view.flags.writeable = False
    return view


LATENTS = st.sampled_from([np.zeros((4, 8, 8), np.float32), np.zeros((4, 8, 8)), np.full((4, 8, 8), np.nan, np.float32), None])
JUNK = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5), st.lists(st.integers(), max_size=3))
IMAGES = st.one_of(arrays(), JUNK, st.builds(sd.Frame, arrays(), st.integers(), st.floats()), st.lists(arrays(), max_size=2))
OUTPUTS = st.sampled_from(["uint8", "float32", "latents", "", "png", None, 7])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.one_of(st.text(max_size=8), JUNK),
        "prompts": st.one_of(st.lists(st.fixed_dictionaries({"text": st.text(max_size=4)}, optional={"weight": st.floats()}), max_size=3), JUNK),
        "negative_prompt": st.one_of(st.text(max_size=8), JUNK),
        "seed": st.one_of(st.integers(-2, 2**65), JUNK),
        "strength": st.one_of(st.floats(-1, 2), JUNK),
        "steps": st.one_of(st.integers(-1, 3), JUNK),
        "t_index_list": st.one_of(st.lists(st.integers(-1, 60), max_size=3), JUNK),
        "cfg_type": st.one_of(st.sampled_from(["none", "full", "self", "initialize"]), JUNK),
        "guidance_scale": st.one_of(st.floats(0, 3), JUNK),
        "delta": st.one_of(st.floats(), JUNK),
        "similarity_threshold": st.one_of(st.floats(0, 1), JUNK),
        "cross_frame_attention": st.one_of(st.booleans(), JUNK),
        "loras": st.one_of(st.dictionaries(st.text(max_size=3), st.floats(), max_size=2), JUNK),
        "prompt_embeds": st.one_of(arrays(), JUNK),
        "negative_prompt_embeds": st.one_of(arrays(), JUNK),
        "prompt_transition": st.one_of(st.floats(), JUNK),
        "nothing": JUNK,
    },
)
CALLS = st.one_of(
    st.tuples(st.just("step"), IMAGES, OUTPUTS),
    st.tuples(st.just("step_latents"), LATENTS, OUTPUTS),
    st.tuples(st.just("generate_image"), IMAGES, OUTPUTS),
    st.tuples(st.just("generate_images"), st.one_of(st.lists(st.integers(-1, 2**33), max_size=2), JUNK), OUTPUTS),
    st.tuples(st.just("generate"), OUTPUTS),
    st.tuples(st.just("drain"), OUTPUTS),
    st.tuples(st.just("encode"), IMAGES),
    st.tuples(st.just("decode"), st.one_of(LATENTS, IMAGES), OUTPUTS),
    st.tuples(st.just("update"), SETTINGS),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("repr")),
    st.tuples(st.just("close")),
)
#: What a wrong call may raise. TypeError is for arguments of a type that the method does not have.
ERRORS = (sd.Error, TypeError)


def call(stream, name, *arguments):
    if name == "step":
        stream.step(arguments[0], output=arguments[1])
    elif name == "step_latents":
        stream.step(latents=arguments[0], output=arguments[1])
    elif name in ("generate", "drain"):
        getattr(stream, name)(output=arguments[0])
    elif name == "update":
        stream.update(**arguments[0])
    elif name == "repr":
        repr(stream)
        repr(stream.statistics)
    elif name in ("encode", "cancel", "close"):
        getattr(stream, name)(*arguments)
    else:
        getattr(stream, name)(arguments[0], output=arguments[1])


def run(stream, calls):
    for one in calls:
        try:
            call(stream, *one)
        except ERRORS:
            pass


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(CALLS, min_size=1, max_size=8))
def test_random_calls_work_or_raise_errors(model, calls):
    with sd.Stream(model, width=64, height=64, steps=1) as stream:
        run(stream, calls)
        if not stream.closed:
            stream.update(sd.Parameters(steps=1))
            assert stream.generate_image(np.zeros((64, 64, 3), np.uint8)).shape == (64, 64, 3)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(CALLS, min_size=1, max_size=6), st.lists(CALLS, min_size=1, max_size=6))
def test_random_calls_of_two_threads_work_or_raise_errors(model, one, other):
    failures = []
    with sd.Stream(model, width=64, height=64, steps=1) as stream:

        def run_in_thread():
            try:
                run(stream, other)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        thread = threading.Thread(target=run_in_thread)
        thread.start()
        try:
            run(stream, one)
        finally:
            thread.join()
    assert not failures


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(SETTINGS)
def test_random_parameters_work_or_raise_errors(given_settings):
    try:
        parameters = sd.Parameters(**given_settings)
    except ERRORS:
        return
    assert parameters == parameters.replace()
    repr(parameters)
