"""Lab 02, exercise 1: count the trainable parameters before the network is built."""

from aecourse.check.engine.exercise import Exercise, Mistake

_WEIGHTS = 784 * 128 + 128 * 64 + 64 * 32
_DOWN, _UP = 128 + 64 + 32, 64 + 128 + 784  # biases: one for each unit that a layer gives
_ALL = 2 * _WEIGHTS + _DOWN + _UP

MISTAKES = (
    Mistake("no biases", 2 * _WEIGHTS,
            "These are the weights alone: each layer also has one bias for each unit that it gives."),
    Mistake("encoder only", _WEIGHTS + _DOWN, "That is the encoder. The decoder has layers of its own."),
    Mistake("decoder only", _WEIGHTS + _UP, "That is the decoder alone; the encoder is missing."),
    Mistake("encoder weights only", _WEIGHTS,
            "These are the weights of one half, without biases: count the biases, and the other half."),
    Mistake("encoder twice", 2 * (_WEIGHTS + _DOWN),
            "That is the encoder twice. The mirror has the same weights but other biases: its layers give 64, 128 and "
            "784 units."),
    Mistake("decoder twice", 2 * (_WEIGHTS + _UP),
            "That is the decoder twice. The encoder has the same number of weights but other biases: its layers give "
            "128, 64 and 32 units."),
    Mistake("tied", _WEIGHTS + _DOWN + _UP,
            "You count the weights once, as if the decoder reused the encoder's (that is called tied weights, lesson "
            "08). Here each half has its own."),
    Mistake("a bias for every width", _ALL + 784,
            "The input has a bias in your sum: pixels come in as they are, only units that a layer computes have a "
            "bias."),
    Mistake("biases twice", _ALL + _DOWN + _UP,
            "You count every bias twice, as if the units that a layer takes in had one as well. Only those that it "
            "gives have one."),
    Mistake("one bias a layer", 2 * _WEIGHTS + 6,
            "You count one bias for each layer: it is one for each unit that the layer gives."),
    Mistake("units", 784 + 128 + 64 + 32 + 64 + 128 + 784,
            "These are the units. Trained are the connections between them, and the biases."),
    Mistake("units computed", _DOWN + _UP,
            "These are the biases alone, one for each unit that a layer gives. The weights are missing."),
    Mistake("28 pixels", 2 * (28 * 128 + 128 * 64 + 64 * 32) + 128 + 64 + 32 + 64 + 128 + 28,
            "The first layer sees 28 × 28 = 784 pixels, not 28."),
    Mistake("no code layer", 2 * (784 * 128 + 128 * 64) + 128 + 64 + 128 + 784,
            "The layers into and out of the code (64 to 32 and 32 to 64) are missing."),
    Mistake("first layer only", 784 * 128 + 128, "That is the first layer alone; there are six."),
    *(Mistake(f"without {a}-{b}", _ALL - (a + 1) * b, f"One of the six layers is missing: {a} to {b}.")
      for a, b in ((784, 128), (128, 64), (64, 32), (32, 64), (64, 128), (128, 784))),
    *(Mistake(f"{b} biases short", _ALL - b,
              f"It is {b} short, the number of biases of a layer that gives {b} units.") for b in (32, 64, 128, 784)),
    Mistake("half", _ALL // 2, "That is half of the right number."),
    Mistake("bytes", 4 * _ALL, "That is 4 times the right number: bytes, at 4 for each? The numbers are asked for."),
    Mistake("code from 128", 2 * (784 * 128 + 128 * 32) + 128 + 32 + 128 + 784,
            "You go from 128 straight to 32: there is a layer of 64 between."),
)

reference = 222_384


def oracle() -> int:
    return 222_384


EXERCISE = Exercise(
    "n_parameters", "1 · Count before you build", "number", 1, 4,
    reference=reference, oracle=oracle, mistakes=MISTAKES,
    hints=("A linear layer from a to b units has one weight for each pair of units, and one bias for each unit "
           "that it gives.",
           "There are six layers: 784-128, 128-64, 64-32, and back 32-64, 64-128, 128-784.",
           "Let Python do the sum: `(784 + 1) * 128` is the first layer."),
    why="Each layer has (units in + 1) × units out numbers, the 1 for the bias. Nearly all of them sit in the "
        "first and the last layer, where the pixels are.")
