/** @file
 * The C interface of streamdiffusion: models and streams, without media, hub and pipelines.
 *
 * Functions return a status, and write a message to `error` if it is not NULL. After a failure, objects are
 * as they were before the call. No C++ exception leaves the library.
 *
 * Strings are UTF-8 and end with a zero. Structs of options and of information begin with their size: a newer
 * library accepts those of an older one. The other structs keep their form. Fields of options that are 0 or
 * NULL have the default that is stated. After a success, `error` is as it was.
 *
 * Thread-safety: a model and all streams of it must be called from one thread at a time. Different models may
 * be used from different threads. */
#ifndef STREAMDIFFUSION_H
#define STREAMDIFFUSION_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header. SD_VERSION_NUMBER is 10000 * major + 100 * minor + patch. */
#define SD_VERSION_MAJOR 0
#define SD_VERSION_MINOR 1 /**< see SD_VERSION_MAJOR */
#define SD_VERSION_PATCH 0 /**< see SD_VERSION_MAJOR */
/** Version of this header as one number, for comparisons. */
#define SD_VERSION_NUMBER (SD_VERSION_MAJOR * 10000 + SD_VERSION_MINOR * 100 + SD_VERSION_PATCH)

/** Marks what the shared library exports. */
#if defined(__GNUC__) || defined(__clang__)
#define SD_API __attribute__((visibility("default")))
#else
#define SD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The kind of a failure. Values are never reused. */
typedef enum sd_status {
  SD_OK = 0,               /**< the call succeeded */
  SD_OTHER = 1,            /**< no other kind fits */
  SD_INVALID_ARGUMENT = 2, /**< an argument or a setting is out of range or does not fit */
  SD_INVALID_PROMPT = 3,   /**< a prompt cannot be used, for example because of a malformed LoRA tag */
  SD_INVALID_FILE = 4,     /**< a model file, LoRA or embedding is missing, malformed or not supported */
  SD_SYSTEM = 5,           /**< the operating system refused something */
  SD_OUT_OF_MEMORY = 6,
  SD_DEVICE = 7,      /**< the compute device is missing or cannot be used */
  SD_DEVICE_LOST = 8, /**< the compute device failed; the program has to be restarted */
  SD_CANCELLED = 9    /**< on_denoising_step stopped the call */
} sd_status;

/** The message of a failure: what is wrong, where, and what to do. It is cut if it is too long. */
typedef struct sd_error {
  sd_status status;   /**< the kind of the failure */
  char message[1020]; /**< UTF-8 with a zero at the end */
} sd_error;

/** A model on a device. */
typedef struct sd_model sd_model;
/** A stream of frames through a model, which it keeps alive. */
typedef struct sd_stream sd_stream;

/** The version of the library that is loaded, such as "0.1.0". */
SD_API const char* sd_version(void);
/** The status as text, such as "invalid argument". */
SD_API const char* sd_status_text(sd_status status);

/* --- Models --- */

/** A model to load, and how it computes. */
typedef struct sd_model_options {
  size_t struct_size;          /**< set by the library */
  const char* path;            /**< diffusers folder, .dduf file, or .safetensors checkpoint; required */
  const char* vae;             /**< folder or file of an autoencoder; NULL: the model's own */
  const char* lora_folder;     /**< folder of LoRAs that prompts may name as <lora:NAME:SCALE>; NULL: none */
  const char* device;          /**< "cpu", "cuda[:N]", "vulkan[:N]" or "auto"; NULL: "auto" */
  const char* precision;       /**< "auto", "f32", "f16", "bf16" or "int8"; NULL: "auto" */
  const char* prediction_type; /**< "auto", "epsilon" or "v_prediction"; NULL: "auto" */
  int32_t threads;             /**< compute threads of the CPU; 0: one for each processor */
  int32_t clip_skip;           /**< final layers of the text encoder to skip */
  int32_t prompt_weights;      /**< not 0: prompts may have weights, as "(word:1.3)" */
  /** Called with problems that stop nothing, on the thread that calls the library. NULL: they go to standard
   * error. */
  void (*on_warning)(void* user, const char* message);
  void* user; /**< passed to on_warning */
} sd_model_options;
/** Sets all fields to their defaults. `size` is sizeof(sd_model_options). */
SD_API void sd_model_options_init(sd_model_options* options, size_t size);

/** Loads a model, which takes some seconds. Free it with sd_model_free. */
SD_API sd_status sd_model_load(const sd_model_options* options, sd_model** model, sd_error* error);
/** Frees a model. Streams of it can still be used. NULL is ignored. */
SD_API void sd_model_free(sd_model* model);

/** Properties of a loaded model. */
typedef struct sd_model_info {
  size_t struct_size; /**< set by the library */
  const char* name;   /**< valid until the model is freed */
  /** The device and, on a GPU, the type of activations; valid until the model is freed. */
  const char* device;
  int32_t native_size;     /**< width and height in pixels that the model was trained at */
  int32_t size_multiple;   /**< width and height of a stream are multiples of this */
  int32_t prompt_tokens;   /**< tokens of a prompt's embedding */
  int32_t embedding_width; /**< numbers of each token in it */
} sd_model_info;
/** Writes the properties of a model to `info`. `size` is sizeof(sd_model_info). */
SD_API sd_status sd_model_get_info(const sd_model* model, sd_model_info* info, size_t size, sd_error* error);

/** Adds a LoRA. Streams use it from their next sd_stream_set on, with this scale until they set another for
 * it. A LoRA that is added again under the name of a removed one is a new one: scales that streams set for
 * the removed one do not apply. `name` is its name in the setting "loras"; NULL: the file's name without
 * extension. */
SD_API sd_status sd_model_add_lora(sd_model* model, const char* file, const char* name, float scale,
                                   sd_error* error);
/** Removes a LoRA. Streams use it until their next sd_stream_set. */
SD_API sd_status sd_model_remove_lora(sd_model* model, const char* name, sd_error* error);

/** Writes the text encoder's output for a prompt, [prompt_tokens][embedding_width]. The prompt has at most
 * 10000 bytes. `count` is the number of values. */
SD_API sd_status sd_model_encode_prompt(sd_model* model, const char* prompt, float* values, size_t count,
                                        sd_error* error);

/* --- Streams --- */

/** The properties of a stream that cannot change later. */
typedef struct sd_stream_options {
  size_t struct_size;        /**< set by the library */
  int32_t width;             /**< width of the frames in pixels; 0: the model's native_size */
  int32_t height;            /**< height in pixels; 0: the model's native_size */
  int32_t frame_buffer_size; /**< frames that go through each step together; 0: 1 */
  /** Not 0: the denoising steps of a frame run one after another, not as the paper's batch. */
  int32_t sequential;
  /** Called before each of a call's `calls` UNet calls. If it returns 0, the call stops with SD_CANCELLED. It
   * must not call the library. NULL: nothing is called. */
  int (*on_denoising_step)(void* user, int32_t call, int32_t calls);
  void* user; /**< passed to on_denoising_step */
} sd_stream_options;
/** Sets all fields to their defaults. `size` is sizeof(sd_stream_options). */
SD_API void sd_stream_options_init(sd_stream_options* options, size_t size);

/** Makes a stream. `settings` are as for sd_stream_set; NULL: defaults. Free it with sd_stream_free. */
SD_API sd_status sd_stream_create(sd_model* model, const sd_stream_options* options, const char* settings,
                                  sd_stream** stream, sd_error* error);
/** Frees a stream. NULL is ignored. */
SD_API void sd_stream_free(sd_stream* stream);

/** Changes settings from the next step on. `settings` is a JSON object with the settings of the server's
 * protocol, such as
 * {"prompt": "red apple", "strength": 0.6}; others keep their values. All are changed, or none. */
SD_API sd_status sd_stream_set(sd_stream* stream, const char* settings, sd_error* error);
/** Sets the embedding of the prompt, in place of the setting "prompt"; NULL: the setting is used again.
 * `count` is prompt_tokens * embedding_width. */
SD_API sd_status sd_stream_set_prompt_embeds(sd_stream* stream, const float* values, size_t count,
                                             sd_error* error);
/** Sets the embedding of the negative prompt, as sd_stream_set_prompt_embeds does for the prompt. */
SD_API sd_status sd_stream_set_negative_prompt_embeds(sd_stream* stream, const float* values, size_t count,
                                                      sd_error* error);
/** Writes all settings as a JSON object to `text`, cut to `size` bytes with the final zero. Returns the
 * length of the whole text without the zero. */
SD_API size_t sd_stream_get(const sd_stream* stream, char* text, size_t size);

/** The type of an image's values. */
typedef enum sd_pixel_type {
  SD_UINT8 = 0,  /**< 0 to 255 */
  SD_FLOAT32 = 1 /**< 0 to 1 */
} sd_pixel_type;

/** An image in memory of the caller that the library reads: lines from top to bottom, channels in the order
 * R, G, B, A; colours are sRGB. */
typedef struct sd_input_image {
  const void* data; /**< the first channel of the pixel at the top left; NULL: no image */
  int32_t width;    /**< in pixels */
  int32_t height;   /**< in pixels */
  /** Distance from a line to the one below it in bytes; 0: lines lie beside each other. It is negative if the
   * image lies upside down in memory, and a multiple of 4 for float values. */
  ptrdiff_t stride;
  int32_t channels;   /**< 3 or 4; alpha is ignored */
  sd_pixel_type type; /**< dense 8-bit RGB is read where it lies; other forms are converted */
} sd_input_image;

/** An image in memory of the caller that the library writes. */
typedef struct sd_output_image {
  void* data;         /**< as in sd_input_image */
  int32_t width;      /**< in pixels */
  int32_t height;     /**< in pixels */
  ptrdiff_t stride;   /**< as in sd_input_image */
  int32_t channels;   /**< 3 or 4; alpha becomes opaque */
  sd_pixel_type type; /**< dense 8-bit RGB is written where it lies; other forms are converted */
} sd_output_image;

/** A frame that goes in: an image of the stream's size, or its latents. Latents are
 * [4][height / 8][width / 8] as in PyTorch, multiplied by the scaling factor as in diffusers. */
typedef struct sd_input_frame {
  sd_input_image image; /**< without data: no image */
  const float* latents; /**< NULL: no latents */
  size_t latent_count;  /**< number of latents */
  int64_t number;       /**< passed on to the output */
  int64_t time;         /**< in microseconds; passed on, and transitions of prompts and seeds run by it */
} sd_input_frame;

/** A frame that comes out: an image of the stream's size, its latents, or both. Memory that is NULL is not
 * written; without an image, nothing is decoded. */
typedef struct sd_output_frame {
  sd_output_image image; /**< without data: no image */
  float* latents;        /**< as in sd_input_frame; NULL: no latents */
  size_t latent_count;   /**< number of latents */
  int64_t number;        /**< set to the number of the input */
  int64_t time;          /**< set to the time of the input */
} sd_output_frame;

/** Runs one step of image to image. `in` and `out` have frame_buffer_size frames each. `finished` receives
 * the number of frames that were written, 0 or frame_buffer_size; `skipped` receives 1 if the similarity
 * filter skipped the input and the last result was written again, else 0. Either may be NULL. */
SD_API sd_status sd_stream_step(sd_stream* stream, const sd_input_frame* in, sd_output_frame* out,
                                size_t count, size_t* finished, int32_t* skipped, sd_error* error);
/** Writes frames that are still in flight, those of one step; `finished` is 0 if none is left. */
SD_API sd_status sd_stream_drain(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished,
                                 sd_error* error);
/** Runs one step of text to image. `finished` is as for sd_stream_step. */
SD_API sd_status sd_stream_generate(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished,
                                    sd_error* error);
/** Generates one finished image, from an image or, if `in` is NULL, from text. Frames in flight do not
 * change.
 */
SD_API sd_status sd_stream_generate_image(sd_stream* stream, const sd_input_frame* in, sd_output_frame* out,
                                          sd_error* error);
/** Generates one finished image from text for each of `count` variations, with the noise of the seed plus the
 * variation. */
SD_API sd_status sd_stream_generate_images(sd_stream* stream, const uint32_t* variations,
                                           sd_output_frame* out, size_t count, sd_error* error);
/** Encodes an image of the stream's size to latents. */
SD_API sd_status sd_stream_encode(sd_stream* stream, const sd_input_image* image, float* latents,
                                  size_t latent_count, sd_error* error);
/** Decodes latents to an image of the stream's size. */
SD_API sd_status sd_stream_decode(sd_stream* stream, const float* latents, size_t latent_count,
                                  const sd_output_image* image, sd_error* error);

/** The arguments and the result of one stream's step in sd_step_streams. */
typedef struct sd_stream_step_arguments {
  sd_stream* stream;        /**< not NULL; each stream at most once */
  const sd_input_frame* in; /**< as for sd_stream_step */
  sd_output_frame* out;     /**< as for sd_stream_step */
  size_t count;             /**< frame_buffer_size of the stream */
  size_t finished;          /**< set by the call */
  int32_t skipped;          /**< set by the call */
} sd_stream_step_arguments;
/** Runs sd_stream_step for several streams, which share UNet calls if they have the same model, LoRA scales
 * and size. */
SD_API sd_status sd_step_streams(sd_stream_step_arguments* steps, size_t count, sd_error* error);

#ifdef __cplusplus
}
#endif

#endif
