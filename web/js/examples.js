// Prompts to begin with. The default model knows few things, all of which are small pictures; others know the world.

const SMALL_MODEL = 128;

/** @typedef {{prompt: string, sketch: string}} Example sketch: the drawing that goes with it */

/** @type {Example[]} */
const SMALL = [
  { prompt: "penguin on a light blue background", sketch: "penguin" },
  { prompt: "red apple", sketch: "apple" },
  { prompt: "octopus on a yellow background", sketch: "octopus" },
  { prompt: "tulip", sketch: "tulip" },
  { prompt: "panda on a pink background", sketch: "panda" },
  { prompt: "sailboat on a yellow background", sketch: "sailboat" },
  { prompt: "rocket", sketch: "rocket" },
];

/** @type {Example[]} */
const LARGE = [
  { prompt: "emperor penguin on ice, nature photograph", sketch: "penguin" },
  { prompt: "still life with an apple, oil painting", sketch: "apple" },
  { prompt: "octopus made of blown glass", sketch: "octopus" },
  { prompt: "a tulip, botanical watercolour", sketch: "tulip" },
  { prompt: "sailing at dusk, ukiyo-e woodblock print", sketch: "sailboat" },
  { prompt: "rocket launch, 1960s travel poster", sketch: "rocket" },
];

/** @param {{native_size: number}|undefined} model */
export const examplesFor = (model) => ((model?.native_size ?? SMALL_MODEL) <= SMALL_MODEL ? SMALL : LARGE);
