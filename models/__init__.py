"""Training side of posedemo: data preparation, lifters in PyTorch, training, evaluation and export.

Needs the ``train`` extra. The run time never imports this package.
"""

if __name__ != "posedemo.models":
    raise ImportError(
        "import `posedemo.models` instead of `models`: a second copy of every class would be made otherwise"
    )
