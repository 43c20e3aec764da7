"""What starting costs: `import policyjwt` beside `import jwt`, and `policyjwt validate` of 50 policies."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.paired import ratio, report, rounds
from tests.issuer import policy


def python(*arguments: str, cwd: str | None = None) -> None:
    """Run this Python in a process of its own."""
    subprocess.run([sys.executable, *arguments], check=True, cwd=cwd, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "policyjwt.toml").write_text("")
        for at in range(50):
            text = policy(name=f"p{at}", issuer=f'issuer "https://issuer{at}.example"', audience=f'audience "api{at}"')
            (root / f"p{at}.policy").write_text(
                text.replace("https://issuer.example/jwks", f"https://issuer{at}.example/jwks")
            )
        found = rounds(
            {
                "nothing": lambda: python("-c", "pass"),
                "import policyjwt": lambda: python("-c", "import policyjwt"),
                "import jwt": lambda: python("-c", "import jwt"),
                "validate": lambda: python("-m", "policyjwt", "validate", ".", cwd=folder),
            },
            number=1,
            repeat=9,
        )
    bare = found["nothing"]
    net = {
        name: [t - b for t, b in zip(times, bare, strict=True)] for name, times in found.items() if name != "nothing"
    }
    report(
        "starting",
        [
            (
                "import policyjwt to import jwt, Python's own start taken off",
                ratio(net, "import policyjwt", "import jwt"),
                0.5,
            ),
            (
                "validate of 50 policies, whole process, to a start of Python",
                ratio(found, "validate", "nothing"),
                None,
            ),
        ],
    )
    print(
        f"  validate of 50 policies took {sorted(found['validate'])[4]:.2f} s at the median here (aim: about a second)"
    )


if __name__ == "__main__":
    main()
