// Example prompts. The small default model knows few things, so other models have a list of their own.

const SMALL_MODEL = 256;

/** @typedef {{prompt: string, sketch: string}} Example a prompt and the name of its sketch */

/** @type {Example[]} */
const SMALL = [
  { prompt: "panda on a pink background", sketch: "panda" },
  { prompt: "red apple", sketch: "apple" },
  { prompt: "rocket", sketch: "rocket" },
  { prompt: "cat face on a light blue background", sketch: "cat" },
  { prompt: "tulip", sketch: "tulip" },
  { prompt: "house", sketch: "house" },
  { prompt: "strawberry", sketch: "strawberry" },
  { prompt: "penguin on a light blue background", sketch: "penguin" },
];

/** @type {Example[]} */
const LARGE = [
  { prompt: "portrait of a panda, oil painting", sketch: "panda" },
  { prompt: "still life with an apple, Dutch master", sketch: "apple" },
  { prompt: "rocket launch, 1960s travel poster", sketch: "rocket" },
  { prompt: "a cat made of blown glass", sketch: "cat" },
  { prompt: "a tulip, botanical watercolour", sketch: "tulip" },
  { prompt: "cottage in the rain, ukiyo-e woodblock print", sketch: "house" },
  { prompt: "emperor penguin on ice, nature photograph", sketch: "penguin" },
];

/** @param {{native_size: number}|undefined} model */
export const examplesFor = (model) => ((model?.native_size ?? SMALL_MODEL) <= SMALL_MODEL ? SMALL : LARGE);
