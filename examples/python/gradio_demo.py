"""A Gradio demo: a drawing is redrawn whenever it, the prompt or the strength changes.

    pip install gradio
    python examples/python/gradio_demo.py
"""

import threading

import gradio as gr
import streamdiffusion_cpp as sd

stream = sd.Stream(sd.Model.load(), steps=2)
# Gradio calls on several threads. The lock keeps the settings and the image of one call together.
lock = threading.Lock()


def redraw(drawing, prompt, strength):
    """Returns the drawing, redrawn by the prompt; without a drawing an image of the prompt alone."""
    try:
        with lock:
            if drawing is None:
                stream.update(prompt=prompt, strength=1)
                return stream.generate_image()
            stream.update(prompt=prompt, strength=strength)
            return stream.generate_image(sd.fit_image(drawing, stream.size))
    except sd.Error as error:
        raise gr.Error(str(error)) from error


demo = gr.Interface(
    redraw,
    [gr.Image(type="pil", label="drawing"), gr.Textbox("red apple", label="prompt"), gr.Slider(0.05, 1, 0.7, label="strength")],
    gr.Image(label="redrawn"),
    live=True,
)

if __name__ == "__main__":
    demo.launch()
