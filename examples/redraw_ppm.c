/* Redraws a binary PPM image with the C interface: redraw_ppm MODEL_FOLDER SETTINGS <in.ppm >out.ppm
 * SETTINGS is a JSON object, such as {"prompt": "red apple", "strength": 0.7, "steps": 4}. */
#include <stdio.h>
#include <stdlib.h>
#include <streamdiffusion.h>

static size_t bytes_of(const sd_output_image* image) {
  return (size_t)image->width * (size_t)image->height * 3;
}

/* Reads an image from standard input. Its data are NULL if there is none. */
static sd_output_image read_ppm(void) {
  sd_output_image image = {NULL, 0, 0, 0, 3, SD_UINT8};
  if (scanf("P6 %4d %4d 255", &image.width, &image.height) == 2 && getchar() != EOF) {
    image.data = malloc(bytes_of(&image));
    if (image.data != NULL && fread(image.data, bytes_of(&image), 1, stdin) != 1) {
      free(image.data);
      image.data = NULL;
    }
  }
  return image;
}

static sd_status redraw(const char* folder, const char* settings, const sd_input_frame* in,
                        sd_output_frame* out, sd_error* error) {
  sd_model_options model_options;
  sd_stream_options stream_options;
  sd_model* model = NULL;
  sd_stream* stream = NULL;
  sd_model_options_init(&model_options, sizeof model_options);
  model_options.path = folder;
  sd_stream_options_init(&stream_options, sizeof stream_options);
  stream_options.width = in->image.width;
  stream_options.height = in->image.height;

  sd_status status = sd_model_load(&model_options, &model, error);
  if (status == SD_OK) {
    status = sd_stream_create(model, &stream_options, settings, &stream, error);
  }
  if (status == SD_OK) {
    status = sd_stream_generate_image(stream, in, out, error);
  }
  sd_stream_free(stream);
  sd_model_free(model);
  return status;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: redraw_ppm MODEL_FOLDER SETTINGS <in.ppm >out.ppm\n");
    return 2;
  }
  const sd_output_image image = read_ppm();
  if (image.data == NULL) {
    fprintf(stderr, "standard input is no binary PPM image with 8 bits a channel\n");
    return 1;
  }
  const sd_input_frame in = {{image.data, image.width, image.height, 0, 3, SD_UINT8}, NULL, 0, 0, 0};
  sd_output_frame out = {image, NULL, 0, 0, 0}; /* the same memory, which is read before it is written */
  sd_error error;
  const sd_status status = redraw(argv[1], argv[2], &in, &out, &error);
  if (status != SD_OK) {
    fprintf(stderr, "%s: %s\n", sd_status_text(status), error.message);
  } else {
    printf("P6\n%d %d\n255\n", out.image.width, out.image.height);
    fwrite(out.image.data, bytes_of(&out.image), 1, stdout);
  }
  free(image.data);
  return status == SD_OK && fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
