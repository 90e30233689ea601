"""Decode a folder or archive of pictures once, into one file that many processes share.

python -m gan_lab.apps.pack ~/pictures pictures.pack --resolution 64
python train.py data=pack data.root=pictures.pack
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from gan_lab.errors import UserError, command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Make a pack and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m gan_lab.apps.pack", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", help="folder, .zip, .tar or .tar.gz of pictures")
    parser.add_argument("output", type=Path, help="the .pack file to write")
    parser.add_argument(
        "--resolution", type=int, nargs="+", default=[64], help="pixels, or height and width (64)"
    )
    parser.add_argument("--channels", type=int, choices=(1, 3, 4), help="default: detect")
    parser.add_argument("--crop", type=int, help="first cut out a centre square of this size")
    parser.add_argument("--split-folder", nargs="+", help="the folders to train on")
    parser.add_argument("--unlabelled", action="store_true", help="leave classes out")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")
    options = parser.parse_args(arguments)

    from gan_lab.data.folder import Folder, pack_files
    from gan_lab.data.pack import open_pack

    output = options.output.expanduser()
    if output.suffix != ".pack":
        raise UserError(f"output={output}: end its name in .pack, by which data.root= knows it")
    if output.exists() and not options.overwrite:
        raise UserError(f"output={output} exists; choose another name, or add --overwrite")
    if str(options.source).endswith(".pack"):
        raise UserError(f"source={options.source} is a pack already; give the pictures themselves")
    resolution = options.resolution
    folder = Folder(
        root=options.source,
        resolution=resolution[0] if len(resolution) == 1 else resolution,
        channels=options.channels,
        labelled=not options.unlabelled,
        split_folder=options.split_folder,
        crop=options.crop,
    )
    pack_files(output, folder.source, folder.arrangement, folder.shape, folder.crop)
    pack = open_pack(output)
    splits = ", ".join(f"{stop - start:,} {name}" for name, (start, stop) in pack.splits.items())
    classes = "no classes" if pack.num_classes is None else f"{pack.num_classes} classes"
    print(
        f"{output}: {splits}; {'x'.join(map(str, pack.shape))} (channels, height, width); "
        f"{classes}; {pack.left_out:,} left out; {output.stat().st_size / 1e6:,.1f} MB"
    )


if __name__ == "__main__":
    main()
