"""Turn a network file of StyleGAN2(-ADA), StyleGAN3 or R3GAN into a run of gan_lab.

python -m gan_lab.apps.import_official ffhq.pkl runs/ffhq
python sample.py run=runs/ffhq num=16 seed=0 truncation=0.7

Nothing inside the file is run.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from gan_lab.errors import UserError, command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Import one file and say what can be done with it."""
    parser = argparse.ArgumentParser(prog="python -m gan_lab.apps.import_official")
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, help="a network file, .pkl")
    parser.add_argument("output", type=Path, help="the new run's folder")
    parser.add_argument(
        "--data",
        help="pictures to judge it by or to train it on, a folder or archive; those that the file"
        " names if left out",
    )
    options = parser.parse_args(arguments)
    file, output = options.file.expanduser(), options.output.expanduser()
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise UserError(f"output={output} exists and is not empty; choose a new folder")
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    print(f"reading {file} ({file.stat().st_size / 1e6:,.1f} MB)", flush=True)

    from gan_lab.apps.official.run import ImportedRun
    from gan_lab.apps.official.unpickler import read_official

    run = ImportedRun(file, read_official(file), options.data)
    print(run.about(), flush=True)
    run.write(output)
    print(f"sample grid: {output / 'samples.png'}")
    print(run.next_steps(output))


if __name__ == "__main__":
    main()
