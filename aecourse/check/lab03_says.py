"""Lab 03, exercises 1 to 4, flat surfaces: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

# ---- 1 --------------------------------------------------------------------------------------------------------------

PCA = (
    Mistake("not centred", {"centre": "none"},
            "The mean is not subtracted before the SVD. Then the first axis points from the black image towards the "
            "data, not along their largest variation."),
    Mistake("each image's mean", {"centre": "each image"},
            "Your mean is that of each image over its own pixels. The mean image is the mean over the images, "
            "dimension 0: one number for each pixel."),
    Mistake("one mean", {"centre": "one number"},
            "Your mean is one number for all pixels, `.mean()`. The mean image has one number for each pixel: take the "
            "mean over the images, dimension 0."),
    Mistake("standardised", {"scale": True},
            "You divide each pixel by its own standard deviation. That is PCA of other data, in which a pixel that "
            "hardly changes counts as much as one in the middle. Subtract the mean, and nothing more."),
    Mistake("columns of Vh", {"side": "columns of Vh"},
            "You take columns where the axes are rows: `torch.linalg.svd` returns Vh, which is transposed already. An "
            "axis is one of its rows."),
    Mistake("U", {"side": "U"},
            "These are columns of U: they have one number for each image. An axis has one number for each pixel, so "
            "it comes from Vh."),
    Mistake("axes as columns", {"form": "columns"},
            "Your axes stand in columns, shape (D, k). Asked for are rows, (k, D): each row is an axis and can be "
            "drawn as an image."),
    Mistake("smallest", {"end": "smallest"},
            "These are the directions of the smallest variance. Where do the largest stand? `svd` gives them first, "
            "`eigh` last."),
    Mistake("ascending", {"end": "ascending"},
            "The right axes, in reverse order: the one with the largest variance comes first."),
    Mistake("first left out", {"end": "second"}, "The first axis is left out: counting starts at 0."),
    Mistake("all of them", {"count": "all"}, "You return all axes; the first k are asked for."),
    Mistake("singular values", {"power": 1, "divide": "nothing"},
            "These are the singular values themselves. A variance is a mean of squares: square them, and divide."),
    Mistake("not divided", {"divide": "nothing"},
            "These are the squared singular values, sums over the images. A variance divides that sum by N − 1."),
    Mistake("divided by N", {"divide": "N"},
            "You divide by N; the exercise asks for N − 1, as `torch.var` and `torch.cov` do."),
    Mistake("standard deviations", {"power": 1},
            "These are the standard deviations; the variances are their squares."),
    Mistake("not squared", {"power": 1, "divide": "not squared"},
            "The singular values are divided by N − 1 but not squared."),
    Mistake("shares", {"divide": "total"},
            "These are shares of the total variance. Asked for are the variances themselves."),
    Mistake("lengths", {"length": True},
            "Your axes are as long as the standard deviation along them. Asked for are axes of length 1; the variances "
            "stand apart."),
    Mistake("variances before axes", {"order": "mean, variances, axes"},
            "The three are there, in another order: the mean, the axes, then the variances."),
    Mistake("axes first", {"order": "axes, variances, mean"},
            "The three are there, in another order: the mean comes first, then the axes, then the variances."),
    Mistake("mean in the middle", {"order": "axes, mean, variances"},
            "The mean and the axes have changed places: the mean comes first."),
)

PCA_ERRORS = {
    "must match the size of tensor": "Two shapes do not go together. If it is the mean: `x.mean(0)` is the mean image, "
                                     "(D,); `x.mean(1)` is the brightness of each image, (N,).",
    "must be a square matrix": "`eigh` takes a square matrix, such as the covariance (D, D); `svd` takes the images "
                               "themselves.",
    "square matrices": "`eigh` takes a square matrix, such as the covariance (D, D); `svd` takes the images "
                       "themselves.",
}

# ---- 2 and 3 --------------------------------------------------------------------------------------------------------

ENCODE = (
    Mistake("mean kept", {"centre": "none"},
            "The mean is not subtracted. PCA's surface passes through the mean, so a code counts from there."),
    Mistake("mean added", {"centre": "plus"},
            "The mean is added. A code says how far the image lies from the mean: subtract it. (It is added back when "
            "you decode.)"),
    Mistake("reversed", {"centre": "reversed"},
            "Everywhere the sign is wrong: you go from the image to the mean. A code goes from the mean to the image."),
    Mistake("mean of the batch", {"centre": "batch"},
            "You subtract the mean of the images that came in. The surface was fitted on other images: subtract their "
            "mean, the one that is handed in."),
    Mistake("mean of each image", {"centre": "each image"},
            "You subtract from each image the mean of its own pixels. Subtract the mean image that is handed in."),
    Mistake("one mean", {"centre": "one number"},
            "You subtract one number, the mean of the mean image. Subtract the mean image, pixel by pixel."),
    Mistake("unit length", {"scale": "unit"},
            "The codes are divided by their length. How far an image lies from the mean belongs to its code."),
    Mistake("cosines", {"scale": "lengths"},
            "You divide by the length of the centred image: these are cosines. A code is the plain product with each "
            "axis."),
    Mistake("over the images", {"scale": "images"},
            "The codes are divided by the number of images. An image's code must not depend on the others."),
    Mistake("over the pixels", {"scale": "pixels"},
            "There is a mean over the pixels where the sum belongs: the product with an axis adds over the pixels."),
    Mistake("sizes", {"scale": "sizes"},
            "The sign of the codes is lost: an image can lie on either side of the mean."),
    Mistake("codes as columns", {"form": "rows"},
            "Your codes stand in columns, shape (k, B). Asked for is a row for each image, (B, k)."),
    Mistake("rebuilt", {"form": "rebuilt"},
            "This is the reconstruction, back among the images. Asked for is the code, k numbers for each image."),
    Mistake("projected", {"form": "flat"},
            "You multiply with the axes twice, there and back. The code is the first product alone."),
    Mistake("first number", {"form": "first"},
            "You return the first number of each code only; all k are asked for."),
    Mistake("length", {"form": "length"},
            "You return the length of each code. Asked for are its k numbers."),
)

ENCODE_ERRORS = {
    "shapes cannot be multiplied": "A product adds over the pixels, so D must stand inside: (B, D) times (D, k). "
                                   "`axes` is (k, D).",
    "must match the size of tensor": "A `*` multiplies entry by entry; you want the matrix product, `@`.",
}

DECODE = (
    Mistake("no mean", {"centre": "none"},
            "The mean is not added back: a code of zeros has to give the mean image, not a black one."),
    Mistake("mean subtracted", {"centre": "minus"},
            "The mean is subtracted. That is what the encoder does; the way back adds it."),
    Mistake("one mean", {"centre": "one number"},
            "You add one number, the mean of the mean image. Add the mean image, pixel by pixel."),
    Mistake("mean times", {"centre": "times"}, "You multiply with the mean. It is added."),
    Mistake("mean in the code", {"centre": "in the code"},
            "The mean is projected onto the axes and added to the code. What of it lies off the axes is lost: add the "
            "mean to the image, after the product."),
    Mistake("axes backwards", {"order": "axes backwards"},
            "The axes are taken in reverse order: the first number of a code belongs to the first axis."),
    Mistake("clamped", {"squash": "clamp"},
            "The image is cut off at 0 and 1. A flat surface knows no such bounds; leave the values as they come."),
    Mistake("sigmoid", {"squash": "sigmoid"},
            "There is a sigmoid. A flat surface bends nothing: the image is the mean plus a sum of axes."),
    Mistake("relu", {"squash": "relu"},
            "Values below 0 are cut off. A flat surface knows no such bound; leave them as they come."),
    Mistake("images as columns", {"form": "columns"},
            "Your images stand in columns, shape (D, B). Asked for is a row for each image, (B, D)."),
)

DECODE_ERRORS = {
    "shapes cannot be multiplied": "A product adds over the numbers of the code, so k must stand inside: (B, k) times "
                                   "(k, D).",
    "must match the size of tensor": "Two shapes do not go together: the mean belongs to the image, (B, D), not to the "
                                     "code, (B, k). And a matrix product is `@`, not `*`.",
}

# ---- 4 --------------------------------------------------------------------------------------------------------------

UNCLAMPED = ("It is right where the two spaces differ, and wrong where they are the same: rounding makes a cosine a "
             "little larger than 1, and such a number has no arc cosine. Cut the cosines off at 1 first.")

ANGLE = (
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
            "You take the rows for the basis vectors. Each space is spanned by the columns, of length D."),
    Mistake("first columns", {"of": "first columns"},
            "This is the angle between the first columns. A space has many bases, and its first column can be any of "
            "its vectors: use all of them."),
    Mistake("last columns", {"of": "last columns"},
            "This is the angle between the last columns. Use all of them."),
    Mistake("matching columns", {"of": "matching columns"},
            "You compare column 1 with column 1, column 2 with column 2, and so on. Another basis of the same space "
            "has other columns: the angle must not depend on that."),
    Mistake("matching columns after QR", {"of": "same columns"},
            "You compare the orthonormal bases column by column. Each space has many such bases: take the singular "
            "values of the table of all products."),
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
    Mistake("radians", {"unit": "radians"}, "This is in radians; degrees are asked for."),
    Mistake("arcsine", {"inverse": "arcsin"},
            "The singular values are cosines, and you take their arc sine: that is 90° minus the angle."),
    Mistake("cosine", {"inverse": "none", "unit": "radians"},
            "This is the cosine. Take its arc cosine, and go from radians to degrees."),
    Mistake("sine", {"inverse": "sine", "unit": "radians"},
            "This is the sine of the angle. The angle itself is asked for, in degrees."),
    Mistake("not clamped", {"clamp": False},
            "Of two equal spaces it gives NaN: rounding makes a cosine a little larger than 1, and such a number has "
            "no "
            "arc cosine. Cut the cosines off at 1 first."),
)
