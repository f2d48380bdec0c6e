"""An HTTP endpoint that redraws images: POST /redraw?prompt=... with a PNG, JPEG or WebP file as body returns a PNG file.

    pip install fastapi uvicorn
    uvicorn --app-dir examples/python endpoint:app
    curl --data-binary @drawing.png -H "Content-Type: image/png" "http://localhost:8000/redraw?prompt=red%20apple" >apple.png
"""

import threading
from typing import Annotated

import streamdiffusion_cpp as sd
from fastapi import Body, FastAPI, HTTPException, Response

app = FastAPI()
stream = sd.Stream(sd.Model.load(), steps=2)
# Requests come on several threads. The lock keeps the settings and the image of one request together.
lock = threading.Lock()


@app.post("/redraw", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def redraw(file: Annotated[bytes, Body(media_type="image/png")], prompt: str, strength: float = 0.7) -> Response:
    """Redraws the image by the prompt."""
    try:
        image = sd.fit_image(sd.decode_image(file), stream.size)
        with lock:
            stream.update(prompt=prompt, strength=strength)
            drawn = stream.generate_image(image)
    except sd.Error as error:
        raise HTTPException(400, {"code": error.code, "message": str(error)}) from error
    return Response(sd.encode_image(drawn, "png"), media_type="image/png")
