"""What prompts begin with, for prefix caches."""

from tracetide.profile.prompts.build import add_prefixes, with_prefixes
from tracetide.profile.prompts.models import Prefixes, PromptLevel

__all__ = ["Prefixes", "PromptLevel", "add_prefixes", "with_prefixes"]
