/* Uses the C interface as a program in C99 would: test_capi MODEL_FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <streamdiffusion.h>
#include <string.h>

enum { SIDE = 32, VALUES = SIDE * SIDE * 3, LATENTS = 4 * (SIDE / 8) * (SIDE / 8) };

static int failures = 0;

#define EXPECT(condition)                                                       \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                               \
    }                                                                           \
  } while (0)

static void expect_ok(sd_status status, const sd_error* error, const char* call) {
  if (status != SD_OK) {
    fprintf(stderr, "%s: %s: %s\n", call, sd_status_text(status), error->message);
    exit(1);
  }
}

static void ignore_warning(void* user, const char* message) {
  (void)message;
  ++*(int*)user;
}

static sd_model* load(const char* folder, int* warnings) {
  sd_model_options options;
  sd_model_options_init(&options, sizeof options);
  options.path = folder;
  options.device = "cpu";
  options.threads = 1;
  options.on_warning = ignore_warning;
  options.user = warnings;
  sd_model* model = NULL;
  sd_error error;
  expect_ok(sd_model_load(&options, &model, &error), &error, "sd_model_load");
  return model;
}

static sd_stream* make_stream(sd_model* model, const char* settings) {
  sd_stream_options options;
  sd_stream_options_init(&options, sizeof options);
  options.width = SIDE;
  options.height = SIDE;
  sd_stream* stream = NULL;
  sd_error error;
  expect_ok(sd_stream_create(model, &options, settings, &stream, &error), &error, "sd_stream_create");
  return stream;
}

static sd_input_frame input_of(const uint8_t* pixels, int64_t number) {
  sd_input_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.image.data = pixels;
  frame.image.width = SIDE;
  frame.image.height = SIDE;
  frame.image.channels = 3;
  frame.number = number;
  frame.time = number * 40000;
  return frame;
}

static sd_output_frame output_of(uint8_t* pixels) {
  sd_output_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.image.data = pixels;
  frame.image.width = SIDE;
  frame.image.height = SIDE;
  frame.image.channels = 3;
  frame.number = -1;
  return frame;
}

static void fill(uint8_t* pixels, unsigned seed) {
  for (int i = 0; i < VALUES; ++i) {
    seed = seed * 1664525u + 1013904223u;
    pixels[i] = (uint8_t)(seed >> 24);
  }
}

static void test_failures(const char* folder) {
  sd_error error;
  sd_model* model = NULL;
  EXPECT(sd_model_load(NULL, &model, &error) == SD_INVALID_ARGUMENT);
  sd_model_options options;
  sd_model_options_init(&options, sizeof options);
  EXPECT(sd_model_load(&options, &model, &error) == SD_INVALID_ARGUMENT);
  options.path = "/nowhere";
  EXPECT(sd_model_load(&options, &model, &error) == SD_INVALID_FILE);
  EXPECT(strstr(error.message, "/nowhere") != NULL);
  EXPECT(error.status == SD_INVALID_FILE);
  EXPECT(model == NULL);
  options.path = folder;
  options.device = "toaster";
  EXPECT(sd_model_load(&options, &model, NULL) != SD_OK);
  sd_model_free(NULL);
  sd_stream_free(NULL);
}

/* A program that was compiled with an older header has a shorter struct. */
static void test_shorter_struct(const char* folder) {
  sd_model_options options;
  memset(&options, 0x5a, sizeof options);
  const size_t shorter = offsetof(sd_model_options, vae);
  sd_model_options_init(&options, shorter);
  options.path = folder;
  sd_model* model = NULL;
  sd_error error;
  expect_ok(sd_model_load(&options, &model, &error), &error, "sd_model_load");
  sd_model_free(model);
}

static void test_steps(sd_model* model) {
  sd_error error;
  sd_stream* stream = make_stream(model, "{\"prompt\": \"a red boat\", \"steps\": 2, \"strength\": 0.6}");
  uint8_t in_pixels[VALUES];
  uint8_t out_pixels[VALUES];
  size_t finished = 9;
  int32_t skipped = 9;
  for (int i = 0; i < 3; ++i) {
    fill(in_pixels, (unsigned)i);
    const sd_input_frame in = input_of(in_pixels, i);
    sd_output_frame out = output_of(out_pixels);
    expect_ok(sd_stream_step(stream, &in, &out, 1, &finished, &skipped, &error), &error, "sd_stream_step");
    EXPECT(finished == (i == 0 ? 0u : 1u));
    EXPECT(skipped == 0);
    EXPECT(i == 0 || (out.number == i - 1 && out.time == (i - 1) * 40000));
  }
  sd_output_frame out = output_of(out_pixels);
  expect_ok(sd_stream_drain(stream, &out, 1, &finished, &error), &error, "sd_stream_drain");
  EXPECT(finished == 1 && out.number == 2);
  expect_ok(sd_stream_drain(stream, &out, 1, &finished, &error), &error, "sd_stream_drain");
  EXPECT(finished == 0);
  const sd_input_frame in = input_of(in_pixels, 3);
  EXPECT(sd_stream_step(stream, &in, &out, 2, NULL, NULL, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_stream_step(stream, &in, &out, (size_t)-1, NULL, NULL, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_stream_generate(stream, &out, (size_t)-1, NULL, &error) == SD_INVALID_ARGUMENT);
  float latent = 0;
  sd_output_frame no_latents = output_of(out_pixels);
  no_latents.latents = &latent;
  EXPECT(sd_stream_step(stream, &in, &no_latents, 1, NULL, NULL, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_stream_step(stream, NULL, &out, 1, NULL, NULL, &error) == SD_INVALID_ARGUMENT);
  sd_stream_free(stream);
}

static void test_settings(sd_model* model) {
  sd_error error;
  sd_stream* stream = make_stream(model, NULL);
  expect_ok(sd_stream_set(stream, "{\"prompt\": \"cat\", \"seed\": 7}", &error), &error, "sd_stream_set");
  EXPECT(sd_stream_set(stream, "{\"prompt\": \"dog\", \"steps\": 0}", &error) == SD_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "steps") != NULL);
  EXPECT(sd_stream_set(stream, "{\"seed\": 1,\n \"steps\" 2}", &error) == SD_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "not valid JSON") != NULL &&
         strstr(error.message, "line 2, column 10") != NULL);
  char text[4096];
  const size_t length = sd_stream_get(stream, text, sizeof text);
  EXPECT(length == strlen(text));
  EXPECT(strstr(text, "\"prompt\":\"cat\"") != NULL);
  EXPECT(strstr(text, "\"seed\":7") != NULL);
  char few[4];
  EXPECT(sd_stream_get(stream, few, sizeof few) == length && strlen(few) == 3);
  sd_stream_free(stream);
}

static void test_images(sd_model* model) {
  sd_error error;
  sd_stream* stream = make_stream(model, "{\"prompt\": \"cat\", \"steps\": 1}");
  uint8_t pixels[2][VALUES];
  fill(pixels[0], 1);
  const sd_input_frame in = input_of(pixels[0], 5);
  sd_output_frame out = output_of(pixels[1]);
  expect_ok(sd_stream_generate_image(stream, &in, &out, &error), &error, "sd_stream_generate_image");
  EXPECT(out.number == 5);

  uint8_t expected[VALUES];
  memcpy(expected, pixels[1], sizeof expected);
  float latents[LATENTS];
  expect_ok(sd_stream_encode(stream, &in.image, latents, LATENTS, &error), &error, "sd_stream_encode");
  sd_input_frame from_latents;
  memset(&from_latents, 0, sizeof from_latents);
  from_latents.latents = latents;
  from_latents.latent_count = LATENTS;
  from_latents.image.channels = 3;
  expect_ok(sd_stream_generate_image(stream, &from_latents, &out, &error), &error,
            "sd_stream_generate_image");
  EXPECT(memcmp(expected, pixels[1], sizeof expected) == 0);
  EXPECT(sd_stream_encode(stream, &in.image, latents, LATENTS - 1, &error) == SD_INVALID_ARGUMENT);
  expect_ok(sd_stream_decode(stream, latents, LATENTS, &out.image, &error), &error, "sd_stream_decode");

  const uint32_t variations[2] = {0, 3};
  sd_output_frame both[2] = {output_of(pixels[0]), output_of(pixels[1])};
  expect_ok(sd_stream_generate_images(stream, variations, both, 2, &error), &error,
            "sd_stream_generate_images");
  EXPECT(both[1].number == 3);
  EXPECT(memcmp(pixels[0], pixels[1], VALUES) != 0);
  sd_stream_free(stream);
}

static void test_embeds(sd_model* model) {
  sd_error error;
  sd_model_info info;
  expect_ok(sd_model_get_info(model, &info, sizeof info, &error), &error, "sd_model_get_info");
  const size_t count = (size_t)info.prompt_tokens * (size_t)info.embedding_width;
  float* values = malloc(count * sizeof *values);
  expect_ok(sd_model_encode_prompt(model, "cat", values, count, &error), &error, "sd_model_encode_prompt");
  EXPECT(sd_model_encode_prompt(model, "cat", values, count - 1, &error) == SD_INVALID_ARGUMENT);
  char* const too_long = malloc(10002);
  memset(too_long, 'a', 10001);
  too_long[10001] = '\0';
  EXPECT(sd_model_encode_prompt(model, too_long, values, count, &error) == SD_INVALID_ARGUMENT);
  free(too_long);
  EXPECT(sd_model_encode_prompt(model, "\xff", values, count, &error) == SD_INVALID_PROMPT);

  sd_stream* by_text = make_stream(model, "{\"prompt\": \"cat\", \"steps\": 1}");
  sd_stream* by_embeds = make_stream(model, "{\"prompt\": \"dog\", \"steps\": 1}");
  expect_ok(sd_stream_set_prompt_embeds(by_embeds, values, count, &error), &error,
            "sd_stream_set_prompt_embeds");
  EXPECT(sd_stream_set_prompt_embeds(by_embeds, values, 3, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_stream_set_prompt_embeds(by_embeds, values, (size_t)-1, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_stream_set_negative_prompt_embeds(by_embeds, values, 3, &error) == SD_INVALID_ARGUMENT);
  uint8_t pixels[2][VALUES];
  sd_output_frame outs[2] = {output_of(pixels[0]), output_of(pixels[1])};
  expect_ok(sd_stream_generate_image(by_text, NULL, &outs[0], &error), &error, "sd_stream_generate_image");
  expect_ok(sd_stream_generate_image(by_embeds, NULL, &outs[1], &error), &error, "sd_stream_generate_image");
  EXPECT(memcmp(pixels[0], pixels[1], VALUES) == 0);
  free(values);
  sd_stream_free(by_text);
  sd_stream_free(by_embeds);
}

static int stop(void* user, int32_t call, int32_t calls) {
  (void)call;
  (void)calls;
  return *(int*)user;
}

static void test_cancellation(sd_model* model) {
  sd_error error;
  sd_stream_options options;
  sd_stream_options_init(&options, sizeof options);
  options.width = SIDE;
  options.height = SIDE;
  int go_on = 0;
  options.on_denoising_step = stop;
  options.user = &go_on;
  sd_stream* stream = NULL;
  expect_ok(sd_stream_create(model, &options, "{\"steps\": 1}", &stream, &error), &error, "sd_stream_create");
  uint8_t pixels[VALUES];
  sd_output_frame out = output_of(pixels);
  size_t finished = 0;
  EXPECT(sd_stream_generate(stream, &out, 1, &finished, &error) == SD_CANCELLED);
  go_on = 1;
  expect_ok(sd_stream_generate(stream, &out, 1, &finished, &error), &error, "sd_stream_generate");
  EXPECT(finished == 1 && out.number == 0);
  sd_stream_free(stream);
}

static void test_loras(sd_model* model, const char* folder) {
  sd_error error;
  char file[4096];
  snprintf(file, sizeof file, "%s/lora-kohya.safetensors", folder);
  sd_stream* stream = make_stream(model, "{\"prompt\": \"cat\", \"steps\": 1}");
  uint8_t before[VALUES];
  uint8_t after[VALUES];
  sd_output_frame out = output_of(before);
  const uint32_t variation = 0;
  expect_ok(sd_stream_generate_images(stream, &variation, &out, 1, &error), &error,
            "sd_stream_generate_images");
  expect_ok(sd_model_add_lora(model, file, "ink", 1.0f, &error), &error, "sd_model_add_lora");
  expect_ok(sd_stream_set(stream, "{\"loras\": {\"ink\": 0.8}}", &error), &error, "sd_stream_set");
  out = output_of(after);
  expect_ok(sd_stream_generate_images(stream, &variation, &out, 1, &error), &error,
            "sd_stream_generate_images");
  EXPECT(memcmp(before, after, VALUES) != 0);
  EXPECT(sd_model_add_lora(model, file, "huge", 1e30f, &error) == SD_INVALID_ARGUMENT);
  expect_ok(sd_model_add_lora(model, file, NULL, 0.0f, &error), &error, "sd_model_add_lora");
  EXPECT(sd_model_add_lora(model, file, NULL, 0.0f, &error) == SD_INVALID_ARGUMENT);
  expect_ok(sd_model_remove_lora(model, "lora-kohya", &error), &error, "sd_model_remove_lora");
  expect_ok(sd_model_remove_lora(model, "ink", &error), &error, "sd_model_remove_lora");
  expect_ok(sd_stream_set_prompt_embeds(stream, NULL, 0, &error), &error, "sd_stream_set_prompt_embeds");
  expect_ok(sd_stream_set(stream, "{}", &error), &error, "sd_stream_set");
  expect_ok(sd_stream_generate_images(stream, &variation, &out, 1, &error), &error,
            "sd_stream_generate_images");
  EXPECT(memcmp(before, after, VALUES) == 0);
  EXPECT(sd_model_remove_lora(model, "ink", &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_model_add_lora(model, file, "\xff", 1.0f, &error) == SD_INVALID_ARGUMENT);
  EXPECT(sd_model_add_lora(model, "/nowhere.safetensors", NULL, 1.0f, &error) == SD_INVALID_FILE);
  sd_stream_free(stream);
}

static void expect_setting(const sd_stream* stream, const char* setting) {
  char text[4096];
  sd_stream_get(stream, text, sizeof text);
  if (strstr(text, setting) == NULL) {
    fprintf(stderr, "%s lacks %s\n", text, setting);
    ++failures;
  }
}

/* A scale that a stream has set is for the LoRA that had the name then. */
static void test_lora_added_again(sd_model* model, const char* folder) {
  sd_error error;
  char file[4096];
  snprintf(file, sizeof file, "%s/lora-kohya.safetensors", folder);
  sd_stream* stream = make_stream(model, NULL);
  expect_ok(sd_model_add_lora(model, file, "ink", 0.25f, &error), &error, "sd_model_add_lora");
  expect_ok(sd_stream_set(stream, "{}", &error), &error, "sd_stream_set");
  expect_setting(stream, "{\"ink\":0.25}");
  expect_ok(sd_stream_set(stream, "{\"loras\": {\"ink\": 0.5}}", &error), &error, "sd_stream_set");
  expect_ok(sd_stream_set(stream, "{\"seed\": 3}", &error), &error, "sd_stream_set");
  expect_setting(stream, "{\"ink\":0.5}");
  expect_ok(sd_model_remove_lora(model, "ink", &error), &error, "sd_model_remove_lora");
  expect_ok(sd_model_add_lora(model, file, "ink", 0.75f, &error), &error, "sd_model_add_lora");
  expect_ok(sd_stream_set(stream, "{}", &error), &error, "sd_stream_set");
  expect_setting(stream, "{\"ink\":0.75}");
  expect_ok(sd_model_remove_lora(model, "ink", &error), &error, "sd_model_remove_lora");
  sd_stream_free(stream);
}

static void test_version(void) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", SD_VERSION_MAJOR, SD_VERSION_MINOR, SD_VERSION_PATCH);
  EXPECT(strcmp(sd_version(), version) == 0);
  EXPECT(SD_VERSION_NUMBER == SD_VERSION_MAJOR * 10000 + SD_VERSION_MINOR * 100 + SD_VERSION_PATCH);
}

static void test_shared_steps(sd_model* model) {
  sd_error error;
  sd_stream* streams[2] = {make_stream(model, "{\"prompt\": \"cat\", \"steps\": 1}"),
                           make_stream(model, "{\"prompt\": \"dog\", \"steps\": 1}")};
  uint8_t in_pixels[VALUES];
  uint8_t out_pixels[2][VALUES];
  fill(in_pixels, 3);
  const sd_input_frame in = input_of(in_pixels, 11);
  sd_output_frame outs[2] = {output_of(out_pixels[0]), output_of(out_pixels[1])};
  sd_stream_step_arguments steps[2];
  memset(steps, 0, sizeof steps);
  for (int i = 0; i < 2; ++i) {
    steps[i].stream = streams[i];
    steps[i].in = &in;
    steps[i].out = &outs[i];
    steps[i].count = 1;
  }
  expect_ok(sd_step_streams(steps, 2, &error), &error, "sd_step_streams");
  EXPECT(steps[0].finished == 1 && steps[1].finished == 1 && outs[1].number == 11);
  EXPECT(memcmp(out_pixels[0], out_pixels[1], VALUES) != 0);
  steps[1].count = 1000000;
  EXPECT(sd_step_streams(steps, 2, &error) == SD_INVALID_ARGUMENT);
  steps[1].count = 1;
  steps[1].stream = streams[0];
  EXPECT(sd_step_streams(steps, 2, &error) == SD_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "twice") != NULL);
  sd_stream_free(streams[0]);
  sd_stream_free(streams[1]);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: test_capi MODEL_FOLDER\n");
    return 2;
  }
  int warnings = 0;
  test_version();
  test_failures(argv[1]);
  test_shorter_struct(argv[1]);
  sd_model* model = load(argv[1], &warnings);
  test_steps(model);
  test_settings(model);
  test_images(model);
  test_embeds(model);
  test_cancellation(model);
  test_loras(model, argv[1]);
  test_lora_added_again(model, argv[1]);
  test_shared_steps(model);

  /* A stream keeps its model alive. */
  sd_stream* stream = make_stream(model, NULL);
  sd_model_free(model);
  uint8_t pixels[VALUES];
  sd_output_frame out = output_of(pixels);
  sd_error error;
  expect_ok(sd_stream_generate_image(stream, NULL, &out, &error), &error, "sd_stream_generate_image");
  sd_stream_free(stream);
  if (failures > 0) {
    fprintf(stderr, "%d failures\n", failures);
  }
  return failures > 0 ? 1 : 0;
}
