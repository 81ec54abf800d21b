"""The recipe as it is being edited: what was typed into each field, whether it can be, and what differs."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.training import RECIPES, TrainConfig
from hipcad_desktop.gui.training.fields import BY_NAME, FIELDS, problem_of, refusal, shown, with_text

_FIRST = "paper"


class RecipeDraft(QObject):
    """Texts of a TrainConfig's fields. The short card and the whole table are two views of one draft."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recipe = _FIRST
        self._weights = RECIPES[_FIRST].weights
        self._texts: dict[str, str] = {}
        self._take(RECIPES[_FIRST])

    @property
    def recipe(self) -> str:
        """The recipe that the draft began as."""
        return self._recipe

    @property
    def weights(self) -> str:
        """Where the weights come from: "imagenet", "none" or a file's path."""
        return self._weights

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self._texts[name]

    def recipe_text(self, name: str) -> str:
        """What the recipe itself has there."""
        return shown(getattr(RECIPES[self._recipe], name))

    def set_text(self, name: str, text: str) -> None:
        """Something was typed or chosen."""
        if self._texts[name] != text:
            self._texts[name] = text
            self.changed.emit()

    def set_weights(self, weights: str, *, backbone: str = "") -> None:
        """Start from other weights; those of a model bring their backbone along."""
        texts = {**self._texts, **({"backbone": backbone} if backbone else {})}
        if (weights, texts) != (self._weights, self._texts):
            self._weights, self._texts = weights, texts
            self.changed.emit()

    def set_recipe(self, name: str) -> None:
        """Every field as in a recipe."""
        self.set_config(RECIPES[name])

    def set_config(self, config: TrainConfig) -> None:
        """Every field as in a config, of a recipe file or an earlier run."""
        self._take(config)
        self.changed.emit()

    def is_changed(self, name: str) -> bool:
        """Whether a field differs from its recipe; "1e-3" is 0.001."""
        base = RECIPES[self._recipe]
        try:
            return with_text(base, BY_NAME[name], self._texts[name]) != base
        except ValueError:
            return True

    def differing(self) -> tuple[str, ...]:
        """The labels of the fields that differ from the recipe."""
        return tuple(field.label for field in FIELDS if self.is_changed(field.name))

    def needed(self, name: str) -> str:
        """What a field would have to be; empty where it is good."""
        return problem_of(self._recipe, BY_NAME[name], self._texts[name])[0]

    def config(self) -> TrainConfig:
        """The whole. Raises UserError CONFIG_INVALID naming the first field that cannot be."""
        config = replace(RECIPES[self._recipe], weights=self._weights)
        for field in FIELDS:
            needed, text = problem_of(self._recipe, field, self._texts[field.name])
            if needed:
                raise refusal(field, needed, text)
            config = with_text(config, field, self._texts[field.name])
        return config

    def _take(self, config: TrainConfig) -> None:
        self._recipe = config.recipe if config.recipe in RECIPES else _FIRST
        self._weights = config.weights
        self._texts = {field.name: shown(getattr(config, field.name)) for field in FIELDS}
