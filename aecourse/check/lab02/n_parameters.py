"""Lab 02, exercise 1: count the trainable parameters of the tied network before it is built."""

from aecourse.check.engine.exercise import Exercise, Mistake

_WEIGHTS = 784 * 128 + 128 * 64 + 64 * 32
_DOWN, _UP = 128 + 64 + 32, 64 + 128 + 784  # biases: one for each unit that a layer gives
_ALL = _WEIGHTS + _DOWN + _UP

MISTAKES = (
    Mistake("untied", 2 * _WEIGHTS + _DOWN + _UP,
            "You count each weight twice, as in the network of unit 02. Here the decoder uses the encoder's weights, "
            "so each is stored, and trained, once."),
    Mistake("weights alone", _WEIGHTS,
            "These are the weights alone, each counted once. Each of the six layers also has one bias for each unit "
            "that it gives."),
    Mistake("both weights alone", 2 * _WEIGHTS,
            "These are the weights, counted twice, without biases. The decoder uses the encoder's weights, so they "
            "count once; each of the six layers has biases."),
    Mistake("encoder only", _WEIGHTS + _DOWN,
            "That is the encoder. The decoder takes its weights from there and has biases of its own: count those "
            "too."),
    Mistake("decoder only", _WEIGHTS + _UP,
            "These are the weights and the biases of the decoder: those of the encoder are missing."),
    Mistake("encoder twice", 2 * (_WEIGHTS + _DOWN),
            "That is the encoder twice. The decoder uses the encoder's weights, so they count once; it has biases of "
            "its own, one for each unit that its layers give: 64, 128 and 784."),
    Mistake("encoder's biases twice", _WEIGHTS + 2 * _DOWN,
            "You count the encoder's biases twice. The decoder's layers give 64, 128 and 784 units, and have as many "
            "biases."),
    Mistake("decoder's biases twice", _WEIGHTS + 2 * _UP,
            "You count the decoder's biases twice. The encoder's layers give 128, 64 and 32 units, and have as many "
            "biases."),
    Mistake("half of the untied", (2 * _WEIGHTS + _DOWN + _UP) // 2,
            "That is half of the untied network's number. The weights are shared between encoder and decoder; the "
            "biases are not."),
    Mistake("half of the weights", _WEIGHTS // 2 + _DOWN + _UP,
            "The biases are right, and the weights are halved. Tying makes one weight of two, and 784 · 128 + 128 · 64 "
            "+ 64 · 32 counts each of these once already."),
    Mistake("a bias for every width", _ALL + 784,
            "The input has a bias in your sum: pixels come in as they are, only units that a layer computes have a "
            "bias."),
    Mistake("biases twice", _ALL + _DOWN + _UP,
            "You count every bias twice, as if the units that a layer takes in had one as well. Only those that it "
            "gives have one."),
    Mistake("one bias a layer", _WEIGHTS + 6,
            "You count one bias for each layer: it is one for each unit that the layer gives."),
    Mistake("units", 784 + 128 + 64 + 32 + 64 + 128 + 784,
            "These are the units. Trained are the connections between them, and the biases."),
    Mistake("biases alone", _DOWN + _UP,
            "These are the biases alone, one for each unit that a layer gives. The weights are missing."),
    Mistake("28 pixels", 28 * 128 + 128 * 64 + 64 * 32 + 128 + 64 + 32 + 64 + 128 + 28,
            "The first layer sees 28 × 28 = 784 pixels, not 28."),
    Mistake("no code layer", 784 * 128 + 128 * 64 + 128 + 64 + 128 + 784,
            "The layers into and out of the code (64 to 32 and 32 to 64) are missing."),
    Mistake("first layer only", 784 * 128 + 128, "That is the first layer alone; there are six."),
    *(Mistake(f"without the weight of {a}-{b}", _ALL - a * b,
              f"The weight between {a} and {b} units, {a} · {b} numbers, is missing.")
      for a, b in ((784, 128), (128, 64), (64, 32))),
    *(Mistake(f"{b} biases short", _ALL - b,
              f"It is {b} short, the number of biases of a layer that gives {b} units.") for b in (32, 64, 128, 784)),
    Mistake("half", _ALL // 2, "That is half of the right number."),
    Mistake("bytes", 4 * _ALL, "That is 4 times the right number: bytes, at 4 for each? The numbers are asked for."),
    Mistake("code from 128", 784 * 128 + 128 * 32 + 128 + 32 + 128 + 784,
            "You go from 128 straight to 32: there is a layer of 64 between."),
)

reference = 111_792


def oracle() -> int:
    return 111_792


EXERCISE = Exercise(
    "n_parameters", "1 · Count before you build", "number", 1, 4,
    reference=reference, oracle=oracle, mistakes=MISTAKES,
    hints=("A linear layer from a to b units has one weight for each pair of units, and one bias for each unit "
           "that it gives.",
           "There are six layers, 784-128, 128-64, 64-32 and back 32-64, 64-128, 128-784, but three weights: the last "
           "three layers use those of the first three.",
           "Let Python do the sum: `(784 + 1) * 128` is the first layer. The last one adds 784."),
    why="The encoder's layers have (units in + 1) × units out numbers, the 1 for the bias. The decoder adds its biases "
        "alone, so tying saves nearly half of the numbers.")
