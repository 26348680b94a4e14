"""`tracetide completion`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter


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
    from tracetide.cli.app import app

    print(app.generate_completion(prog_name="tracetide", shell=shell))
