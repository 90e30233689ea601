import io

import numpy as np
import pytest
from PIL import Image

from gan_lab.apps.pack import main
from gan_lab.data.packed import Packed


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "cache"))
    for i in range(6):
        folder = tmp_path / "pictures" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        Image.fromarray(np.full((20, 30, 3), 40 * i, np.uint8)).save(buffer, "PNG")
        (folder / f"{i}.png").write_bytes(buffer.getvalue())
    return tmp_path / "pictures"


def test_packs_a_folder_for_training(pictures, tmp_path, capsys):
    output = tmp_path / "x.pack"
    main([str(pictures), str(output), "--resolution", "8", "12"])
    assert "6 train; 3x8x12 (channels, height, width); 2 classes; 0 left out" in (
        capsys.readouterr().out
    )
    reals = Packed(root=str(output)).reals()
    assert reals.images(range(6))[:, 0, 0, 0].tolist() == [0, 80, 160, 40, 120, 200]
    assert reals.labels(range(6)).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["{missing}", "{out}.pack"], "no such folder"),
        (["{pictures}", "{out}.zip"], "end its name in .pack"),
        (["{pictures}", "{pictures}/deep.pack/x.pack"], "exists"),
        (["{pictures}", "{existing}"], "--overwrite"),
        (["{existing}", "{out}.pack"], "a pack already"),
    ],
)
def test_mistakes_end_with_one_message(arguments, message, pictures, tmp_path, capsys):
    existing = tmp_path / "old.pack"
    existing.write_bytes(b"old")
    (pictures / "deep.pack").write_bytes(b"a file, no folder")
    places = {"missing": tmp_path / "no", "out": tmp_path / "out", "pictures": pictures,
              "existing": existing}  # fmt: skip
    with pytest.raises(SystemExit) as stop:
        main([argument.format(**places) for argument in arguments])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.startswith("error: ") and message in error
    assert existing.read_bytes() == b"old"
