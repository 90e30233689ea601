"""Pictures of every kind, written where a test asks, and a cache of the test's own."""

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GAN_LAB_DATA", str(tmp_path / "downloads"))


@pytest.fixture
def picture():
    """Encode a picture of one colour: (value, size, mode, format) -> bytes."""

    def encode(value=128, size=(8, 8), mode="RGB", format="PNG", **options) -> bytes:
        buffer = io.BytesIO()
        Image.new(mode, size, value).save(buffer, format, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def noise():
    """Encode a random colour picture, a function of its seed."""

    def encode(seed, size=(8, 8), format="PNG") -> bytes:
        buffer = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(buffer, format)
        return buffer.getvalue()

    return encode


@pytest.fixture
def write(tmp_path):
    """Write {name: bytes} below a folder and give the folder."""

    def files(contents: dict[str, bytes], folder="pictures"):
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        for name, content in contents.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return files
