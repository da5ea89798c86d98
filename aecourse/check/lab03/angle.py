"""Exercise 3, the largest principal angle between two column spaces, which must not depend on their bases."""

import math
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy.linalg import subspace_angles
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab03._numbers import rounded


def family(**changes: Any) -> Any:
    """Return the largest principal angle between two column spaces, with the given changes."""
    return partial(_answer, **changes)


def _columns(A: Tensor, basis: str) -> Tensor:
    if basis == "none":
        return A
    if basis == "unit columns":
        return A / A.norm(dim=0)
    if basis == "whole":  # the whole matrix divided by one number
        return A / A.norm()
    return torch.linalg.qr(A)[0]


def _answer(A: Tensor, B: Tensor, *, basis: str = "qr", only: str = "", of: str = "spaces", inverse: str = "arccos",
            pick: str = "largest", unit: str = "degrees", clamp: bool = True, centre: bool = False, sign: bool = True,
            power: int = 1, most: float = 1.0) -> Any:
    if centre:
        A, B = A - A.mean(0), B - B.mean(0)
    if of == "rows":
        A, B = A.T, B.T
    elif of == "first columns":
        A, B = A[:, :1], B[:, :1]
    elif of == "last columns":
        A, B = A[:, -1:], B[:, -1:]
    elif of == "flat":
        A, B = A.reshape(-1, 1), B.reshape(-1, 1)
    P = _columns(A, "none" if only == "B" else basis)
    Q = _columns(B, "none" if only == "A" else basis)
    if of == "matching columns":
        cosine = (_columns(A, "unit columns") * _columns(B, "unit columns")).sum(0)
    elif of == "entries":
        cosine = (P.T @ Q).flatten()
    elif of == "eigenvalues":
        cosine = torch.linalg.eigvals(P.T @ Q).abs()
    elif of == "same columns":
        cosine = (P * Q).sum(0)
    else:
        cosine = torch.linalg.svdvals(P @ Q.T if of == "outer" else P.T @ Q)
    cosine = (cosine if sign else cosine.abs()) ** power
    if clamp:
        cosine = cosine.clamp(-1, most)
    if pick == "product":
        cosine = cosine.prod()[None]
    elif pick == "chordal":  # of the projectors' difference: each sine counts twice
        cosine = (1 - (2 * (1 - cosine**2)).sum()).clamp(min=0).sqrt()[None]
    angles = {"arccos": torch.arccos, "arcsin": torch.arcsin, "none": lambda c: c,
              "sine": lambda c: (1 - c**2).clamp(min=0).sqrt()}[inverse](cosine)
    if inverse == "none" and pick in ("largest", "smallest"):  # the smallest cosine is that of the largest angle
        return angles.min() if pick == "largest" else angles.max()
    angles = {"degrees": torch.rad2deg, "radians": lambda a: a, "no π": lambda a: 180 * a}[unit](angles)
    return {"largest": angles.max, "smallest": angles.min, "mean": angles.mean, "sum": angles.sum,
            "length": angles.norm, "all": lambda: angles, "product": angles.max, "chordal": angles.max}[pick]()


MISTAKES = (
    Mistake("no QR", {"basis": "none"},
            "The columns are used as they come. Their lengths, and the angles among them, are then in the result: "
            "first make an orthonormal basis of each space, by QR."),
    Mistake("unit columns", {"basis": "unit columns"},
            "The columns are made one long, but not orthogonal to each other. QR does both."),
    Mistake("one length", {"basis": "whole"},
            "You divide each matrix by one number, its norm. Make an orthonormal basis of each space, by QR."),
    Mistake("only A", {"only": "A"}, "A has an orthonormal basis, B has not: both need one."),
    Mistake("only B", {"only": "B"}, "B has an orthonormal basis, A has not: both need one."),
    Mistake("rows", {"of": "rows"},
            "It gives less than 0.1° for any two spaces. So do bases that span all there is: the rows of A and B, Vh "
            "of an SVD, a QR with mode=\"complete\"; and so does an angle turned into radians once too often. A basis "
            "here has k columns of length D."),
    Mistake("outer table", {"of": "outer"},
            "It gives 90° for any two spaces. So does the smallest singular value of P @ Q.T, of the shape (D, D), "
            "which is 0. The products of all columns are P.T @ Q, (k, k)."),
    Mistake("centred columns", {"centre": True},
            "You subtract from each column its mean. That is another space: leave the matrices as they come."),
    Mistake("first columns", {"of": "first columns"},
            "This is the angle between the first columns. A space has many bases, and its first column can be any of "
            "its vectors: use all of them."),
    Mistake("last columns", {"of": "last columns"},
            "This is the angle between the last columns. Use all of them."),
    Mistake("matching columns", {"of": "matching columns"},
            "You compare column 1 with column 1, column 2 with column 2, and so on. Another basis of the same space "
            "has other columns: the angle must not depend on that."),
    Mistake("matching columns, no sign", family(of="matching columns", sign=False),
            "You compare column 1 with column 1, column 2 with column 2, and so on, and take the smallest cosine. "
            "Another basis of the same space has other columns: the angle must not depend on that."),
    Mistake("matching columns after QR", {"of": "same columns"},
            "You compare the orthonormal bases column by column. Each space has many such bases: take the singular "
            "values of the table of all products."),
    Mistake("matching columns after QR, no sign", family(of="same columns", sign=False),
            "You compare the orthonormal bases column by column. Each space has many such bases: take the singular "
            "values of the table of all products, `P.T @ Q`."),
    Mistake("entries, no sign", family(of="entries", sign=False),
            "You take the smallest entry of the table of cosines. Its entries depend on the bases; its singular values "
            "do not."),
    Mistake("entries", {"of": "entries"},
            "You take single entries of the table of cosines. They depend on the bases; its singular values do not."),
    Mistake("eigenvalues", {"of": "eigenvalues"},
            "You take the eigenvalues of the table of cosines. They depend on the bases; its singular values do not."),
    Mistake("flat", {"of": "flat"},
            "You compare the two matrices as if each were one long vector. Asked for is the angle between the spaces "
            "that their columns span."),
    Mistake("smallest", {"pick": "smallest"},
            "This is the smallest of the angles. It belongs to the largest singular value; the largest angle belongs "
            "to the smallest one."),
    Mistake("mean", {"pick": "mean"}, "This is the mean of the angles; the largest is asked for."),
    Mistake("sum", {"pick": "sum"}, "You add the angles; the largest of them is asked for."),
    Mistake("length", {"pick": "length"},
            "This is the root of the sum of the squared angles; the largest of them is asked for."),
    Mistake("all", {"pick": "all"}, "You return all k angles; the largest of them is asked for."),
    Mistake("product", family(pick="product"),
            "You take the product of the cosines, which is the determinant of P.T @ Q. The largest angle belongs to "
            "the smallest singular value alone."),
    Mistake("root of the sum of squared sines", family(pick="chordal"),
            "You add up the squares of all sines, as the Frobenius norm of P @ P.T − Q @ Q.T does. The largest angle "
            "belongs to the smallest singular value alone."),
    Mistake("radians", {"unit": "radians"}, "This is in radians; degrees are asked for."),
    Mistake("no π", {"unit": "no π"},
            "You multiply by 180 and do not divide by π: an angle in radians times 180/π is in degrees."),
    Mistake("arcsine", {"inverse": "arcsin"},
            "The singular values are cosines, and you take their arc sine: that is 90° minus the angle."),
    Mistake("arcsine of the smallest", family(inverse="arcsin", pick="smallest"),
            "The singular values are cosines, and you take the arc sine of the smallest: that is 90° minus the largest "
            "angle."),
    Mistake("squared cosine", {"power": 2},
            "You take the arc cosine of squared cosines. The eigenvalues of M.T @ M are the squares of M's singular "
            "values: take their roots first."),
    Mistake("cosine", {"inverse": "none", "unit": "radians"},
            "This is the cosine. Take its arc cosine, and go from radians to degrees."),
    Mistake("sine", {"inverse": "sine", "unit": "radians"},
            "This is the sine of the angle. The angle itself is asked for, in degrees."),
    Mistake("not clamped", {"clamp": False},
            "Of two equal spaces it gives NaN: rounding makes a cosine a little larger than 1, and such a number has "
            "no arc cosine. Cut the cosines off at 1 first."),
    Mistake("clamped below 1", family(most=0.999),
            "The cosines are cut off at 0.999, so two equal spaces seem to be 2.6° apart. Rounding lifts a cosine over "
            "1 by no more than its last digits: cut them off at 1 itself."),
)

SMALL = ("It is right for columns of ordinary length, and wrong for very short ones: the space that they span is the "
         "same, however long they are.")
UNCLAMPED = ("With columns of ordinary length it is right where the two spaces are 8° apart or more, and wrong where "
             "they are the same: there all cosines are 1, up to rounding. If it gives NaN there, one came out a bit "
             "larger than 1, and such a number has no arc cosine. Cut them off at 1, and no lower.")


def reference(A: Tensor, B: Tensor) -> float:
    P, Q = torch.linalg.qr(A)[0], torch.linalg.qr(B)[0]
    return torch.rad2deg(torch.linalg.svdvals(P.T @ Q).clamp(max=1).arccos().max()).item()


def oracle(A: Tensor, B: Tensor) -> float:
    return float(np.rad2deg(subspace_angles(A.double().numpy(), B.double().numpy())).max())


def draw(generator: torch.Generator, size: int) -> Case:
    """Return two bases, none of them orthonormal; from size 4 to 6 of one and the same space."""
    while size == 7:  # one column and twice the same: rounding lifts their cosine over 1, however it is computed
        A = torch.randn(9, 1, generator=generator)
        bases = [B for M in (A, A.double()) for B in (
            torch.linalg.qr(M)[0], torch.linalg.svd(M, full_matrices=False)[0], M / M.norm())]
        if all(float(torch.linalg.svdvals(P.T @ P)) > 1 for P in bases):
            return Case((A, 2 * A), "B = 2 · A, one column of 9 numbers", UNCLAMPED)
    if size == 9:
        A, B = (1e-9 * torch.randn(9, 2, generator=generator) for _ in range(2))
        return Case((A, B), "A and B of the shape (9, 2), with entries of about 1e-9", SMALL)
    height, k = {1: (2, 1), 2: (3, 2), 3: (12, 3), 4: (30, 5), 5: (40, 6), 6: (60, 8), 8: (20, 4)}.get(size, (size, 3))
    while True:
        A, B = (torch.randn(height, k, generator=generator) for _ in range(2))
        if size <= 2:
            A, B = (tenths(-9, 9, height, k, generator=generator) for _ in range(2))
        else:
            A, B = (M * (0.5 + 2 * torch.rand(k, generator=generator)) + 0.4 * M[:, :1] for M in (A, B))
        if 4 <= size <= 6:  # another basis of the same space
            B = A @ (torch.randn(k, k, generator=generator) + 2 * torch.eye(k))
            if torch.linalg.cond(B) > 50 or not torch.isnan(family(clamp=False)(A, B)):
                continue
            return Case((A, B), f"two bases, {height} × {k}, of one and the same space", UNCLAMPED)
        if size > 8:
            return Case((A, B), f"two bases, {height} × {k}")
        if size in (3, 8):  # a space that leans away from the first; two at random would be at nearly 90°
            B = 0.7 * B + A @ torch.randn(k, k, generator=generator)
        if not all(torch.linalg.cond(M) < 8 for M in (A, B)):  # NaN, too, where a column is all zeros
            continue
        others = [family(**change)(A, B) for change in (
            {}, {"inverse": "arcsin"}, {"pick": "mean"}, {"pick": "smallest"}, {"basis": "unit columns"},
            *({"of": of} for of in ("first columns", "matching columns", "same columns", "entries", "eigenvalues")))]
        right, sine, *others = [float(o) for o in others]
        # one column each: all of the others are the angle itself; a wide one, in radians, is not near its own sine
        telling = k == 1 or all(abs(a - b) > 0.5 for a, b in combinations([right, *others], 2))
        if (54 if k == 1 else 8) < right < 82 and abs(sine - right) > 2 and telling:
            break
    text = f"A = {rows(A)} and B = {rows(B)}" if size <= 2 else f"A and B of the shape ({height}, {k})"
    return Case((A, B), text)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what the values are: rounded, another function of the angle, or none that an angle can have."""
    values, right = ([float(part[0]) for part in parts] for parts in (got, want))
    if rounded(values, right):
        return "Your values are whole numbers, near the right ones: return the angle as it comes, without rounding it."
    if all(abs(v - (180 - w)) < 0.1 for v, w in zip(values, right, strict=True)):
        return ("An angle between two spaces lies from 0° to 90°. Yours is 180° minus the right one: a direction and "
                "its opposite span the same line.")
    if any(v < 0 for v in values) or any(v > 90.01 for v in values):
        return "An angle between two spaces lies from 0° to 90°, and yours does not."
    if all(abs(v - (90 - w)) < 0.1 for v, w in zip(values, right, strict=True)):
        return ("Your value and the right one add up to 90°: that is what the arc sine of a cosine gives, or the arc "
                "cosine of a sine.")
    cosines = [math.cos(math.radians(w)) for w in right]
    for name, turn in (("cosine", lambda c: c), ("squared cosine", lambda c: c**2),
                       ("sine", lambda c: (1 - c**2) ** 0.5), ("squared sine", lambda c: 1 - c**2)):
        if all(abs(v - turn(c)) < 1e-3 for v, c in zip(values, cosines, strict=True)):
            return f"This is the {name} of the angle. The angle itself is asked for, in degrees."
    return ""


EXERCISE = Exercise(
    "angle", "3 · The angle between two surfaces", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 8, 4, 5, 6, 7, 9), rtol=1e-3, atol=0.1,
    arguments=("A", "B"), gives=(Form("share", "one number, the largest angle in degrees"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("`P, _ = torch.linalg.qr(A)` gives an orthonormal basis of the space that A's columns span, and the "
           "same for B.",
           "The singular values of P.T @ Q are the cosines of the angles. Which of them belongs to the largest "
           "angle?",
           "Cut them off at 1 before the arc cosine, and turn radians into degrees: `torch.rad2deg`."),
    why="The singular values do not change when P or Q is turned into another orthonormal basis of its space: they "
        "belong to the spaces. The smallest of them tells how far the worst direction of one space is from the "
        "other.")
