"""``python -m workbench.cli``: the same as the command ``workbench``."""

from workbench.cli.main import main

if __name__ == "__main__":
    main()
