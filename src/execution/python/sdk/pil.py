"""`PIL`: of the imaging library there is `PIL.Image`."""


class UnidentifiedImageError(OSError):
    """The file is no image of a format that is known here."""
