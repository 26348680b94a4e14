"""`tracetide completion`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from cyclopts import App, Parameter


def completion_of(app: App) -> Callable[..., None]:
    """The command, for the commands of an application."""

    def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(name="SHELL")], /) -> None:
        """Print a script that completes commands and options in a shell.

        For example:

        `tracetide completion bash > ~/.local/share/bash-completion/completions/tracetide`

        `tracetide completion zsh > ~/.zfunc/_tracetide`

        `tracetide completion fish > ~/.config/fish/completions/tracetide.fish`

        Parameters
        ----------
        shell
            bash, zsh or fish.
        """
        print(app.generate_completion(prog_name="tracetide", shell=shell))

    return completion
