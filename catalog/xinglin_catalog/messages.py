"""Sentences for people: an English template and its named fields, kept apart so that they can be translated."""

from collections.abc import Mapping


def sentence(template: str) -> str:
    """Mark a template for the translator (`pybabel extract -k sentence`); the text itself stays as it is."""
    return template


def say(template: str, params: Mapping[str, object]) -> str:
    """Fill the named fields of a template, translated or not."""
    return template.format_map(params)


class CatalogError(ValueError):
    """What this library refuses: a stable `code`, a `message` template in English and its `params`.

    `str()` is the English sentence. To translate: `say(translate(error.message), error.params)`.
    """

    def __init__(self, code: str, message: str, **params: object) -> None:
        """Keep the template and the fields apart."""
        super().__init__(code, message, params)
        self.code = code
        self.message = message
        self.params: dict[str, object] = params

    def __str__(self) -> str:
        """The sentence in English."""
        return say(self.message, self.params)


class BadIdentifier(CatalogError):
    """A text that is not a code of the system asked for; `code` says which fault it is."""
