"""What the rest of the package stands on; a learner never imports from here.

- `settings` reads the course's environment variables, `messages` and `console` put texts on any screen;
- `project` knows where things lie and writes files whole, `needs` says what is missing here;
- `datafiles` finds the raw images, verifies them and asks `download` for them; `letterforms` holds the pen strokes of
  the built-in digits;
- `inputs` looks at what `fit` is given; `notebook` is the kernel's extension, which explains a learner's first errors;
- `vision` loads a torchvision that does not fit torch.
"""
