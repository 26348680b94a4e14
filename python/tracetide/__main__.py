"""`python -m tracetide`."""

from tracetide.cli import main

if __name__ == "__main__":
    main()
