"""Tests that settings are those of the library's table, checked, and named in messages."""

import numpy as np
import pytest
import streamdiffusion_cpp as sd


def test_settings_that_are_not_given_have_their_defaults():
    parameters = sd.Parameters(prompt="red apple")
    assert parameters.prompt == "red apple"
    assert parameters.strength == pytest.approx(0.5)
    assert parameters.cfg_type == "self"
    assert parameters.prompt_embeds is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 2}, '"strength" must be'),
        ({"steps": 0}, '"steps" must be'),
        ({"steps": 1.5}, '"steps" must be'),
        ({"prompt": 7}, '"prompt"'),
        ({"cfg_type": "most"}, '"cfg_type" must be'),
        ({"t_index_list": [3, 2]}, "strictly increasing"),
        ({"t_index_list": [99]}, "num_inference_steps"),
        ({"colour": "red"}, '"colour" is no setting'),
        ({"prompt": object()}, "cannot be used"),
        ({"guidance_scale": float("nan")}, "cannot be used"),
        ({"prompt": "\ud800"}, "cannot be used"),
        ({"seed": 2**64}, '"seed"'),
        ({"loras": {"pencil": 1e9}}, '"loras"'),
    ],
)
def test_wrong_settings_are_refused_by_name(settings, message):
    with pytest.raises(sd.ArgumentError, match=message) as caught:
        sd.Parameters(**settings)
    assert caught.value.code == "invalid_argument"
    assert isinstance(caught.value, ValueError)


def test_numbers_of_numpy_are_numbers():
    parameters = sd.Parameters(seed=np.uint64(2**64 - 1), strength=np.float32(0.5), t_index_list=np.array([3, 9]))
    assert parameters.seed == 2**64 - 1
    assert parameters.strength == 0.5
    assert parameters.t_index_list == [3, 9]


def test_replace_keeps_what_was_given():
    parameters = sd.Parameters(prompt="red apple", strength=0.5, seed=4)
    changed = parameters.replace(seed=5)
    assert (changed.prompt, changed.strength, changed.seed) == ("red apple", 0.5, 5)
    assert parameters.seed == 4
    assert changed != parameters
    assert changed.replace(seed=4) == parameters


def test_the_prompt_that_was_given_last_counts():
    blended = sd.Parameters(prompts=[{"text": "red apple", "weight": 2}, {"text": "pear"}], seeds=[{"seed": 1}, {"seed": 2}])
    single = blended.replace(prompt="boat", seed=3)
    assert single.prompts == []
    assert single.seeds == []
    embedded = sd.Parameters(prompt="boat", prompt_embeds=np.zeros((77, 32), np.float32))
    assert embedded.replace(prompt="red apple").prompt_embeds is None


def test_parameters_do_not_change():
    parameters = sd.Parameters()
    with pytest.raises(AttributeError):
        parameters.prompt = "red apple"
    with pytest.raises(AttributeError, match="colour"):
        parameters.colour  # noqa: B018


def test_repr_is_what_was_given():
    assert repr(sd.Parameters(prompt="red apple", seed=4)) == "Parameters(prompt='red apple', seed=4)"
    assert "array (77, 32)" in repr(sd.Parameters(prompt_embeds=np.zeros((77, 32), np.float32)))


def test_the_parameters_of_a_stream_are_what_it_was_given(model):
    with sd.Stream(model, sd.Parameters(prompt="red apple", seed=4), width=64, height=64, steps=1) as stream:
        assert (stream.parameters.prompt, stream.parameters.seed, stream.parameters.steps) == ("red apple", 4, 1)
        stream.update(sd.Parameters(prompt="boat"))
        assert (stream.parameters.prompt, stream.parameters.seed) == ("boat", sd.Parameters().seed)
        stream.update(seed=9)
        assert (stream.parameters.prompt, stream.parameters.seed) == ("boat", 9)
        with pytest.raises(sd.ArgumentError):
            stream.update(seed=10, strength=7)
        assert stream.parameters.seed == 9


def test_t_index_list_for_is_the_librarys():
    assert sd.t_index_list_for(1, 4) == sd.t_index_list_for(1.0, 4, 50)
    assert sd.t_index_list_for(1, 4)[0] == 0
    with pytest.raises(sd.ArgumentError):
        sd.t_index_list_for(0, 1)
